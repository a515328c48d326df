/** Purposes of the Secrets API, and what a subject must be allowed for each. */

import type { Action } from '../action.ts'

/** What a secret is wanted for. */
export type Purpose =
  | 'execute'
  | 'read'
  | 'write'
  | 'delete'
  | 'undelete'
  | 'destroy_versions'
  | 'rotate'
  | 'read_metadata'
  | 'owner_update'

/**
 * All of these must be allowed. Secrets are encrypted, so whoever reads also decrypts. `write` and `rotate` make what is
 * not there, and whether it is there is not told, so they take both. An owner is metadata written under `grant`.
 */
export const PURPOSE_ACTIONS: Readonly<Record<Purpose, readonly Action[]>> = Object.freeze({
  execute: Object.freeze(['read', 'decrypt'] as const),
  read: Object.freeze(['read', 'decrypt'] as const),
  write: Object.freeze(['create', 'update'] as const),
  delete: Object.freeze(['delete'] as const),
  undelete: Object.freeze(['undelete'] as const),
  destroy_versions: Object.freeze(['destroy'] as const),
  rotate: Object.freeze(['create', 'update'] as const),
  read_metadata: Object.freeze(['read-metadata'] as const),
  owner_update: Object.freeze(['write-metadata', 'grant'] as const),
})

/** Every purpose. */
export const PURPOSES: readonly Purpose[] = Object.freeze(Object.keys(PURPOSE_ACTIONS) as Purpose[])

/** Tell whether a text is a purpose. */
export function isPurpose(text: string): text is Purpose {
  return Object.hasOwn(PURPOSE_ACTIONS, text)
}
