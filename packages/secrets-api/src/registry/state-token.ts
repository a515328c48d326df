/**
 * What stands for the state of an entry. Numbers of versions never repeat, in any life of a path, and what a version
 * holds never changes: the number of the active one says which values there are, as long as they can be read. Of what
 * cannot be read, the latest number that was used says whether anything was written since; 0 in a life without any.
 *
 * ```
 * found 7
 * gone 7
 * ```
 */
import type { StateToken } from '../provider/provider.ts'

export interface EntryStateOf {
  readonly kind: 'found' | 'gone'
  readonly version: number
}

/** Of a path where nothing was written in this life. */
export const NEVER_WRITTEN: StateToken = 'gone 0'

export const foundToken = (active: number): StateToken => `found ${active}`
export const goneToken = (latest: number): StateToken => `gone ${latest}`

/** @returns undefined for a text that is no token, and so is of no state */
export function parseToken(token: StateToken): EntryStateOf | undefined {
  const [, kind, version] = /^(found|gone) (0|[1-9]\d{0,15})$/.exec(token) ?? []
  if (kind === undefined || version === undefined) return undefined
  return { kind: kind as EntryStateOf['kind'], version: Number(version) }
}
