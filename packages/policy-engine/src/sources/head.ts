/** What every foreign document has: id, principals, and the mount it speaks about. */

import type { Reader } from '../reader.ts'
import { readId, readPrincipals } from '../rule.ts'
import { readMount } from './mount.ts'

/** The common part of a foreign document that was read. */
export interface ForeignHead {
  readonly id: string
  /** The document applies to subjects that have one of them; `*` is any subject with a principal. */
  readonly principals: readonly string[]
  readonly mount: string
}

const HEAD_MEMBERS: readonly string[] = ['id', 'source', 'description', 'principals', 'mount']

/** Read the common part; `at` is an object. Other members must be among `members`. */
export function readHead(
  bare: Reader,
  members: readonly string[],
  documentIds: Set<string>,
): { readonly head: ForeignHead; readonly at: Reader } {
  const id = readId(bare.member('id'), documentIds, 'document')
  const at = bare.named({ document: id }).object(new Set([...HEAD_MEMBERS, ...members]))
  at.optional('description')?.text()
  return {
    head: {
      id,
      principals: readPrincipals(at.member('principals')),
      mount: readMount(at.member('mount')),
    },
    at,
  }
}
