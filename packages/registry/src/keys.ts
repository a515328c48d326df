/**
 * Keys of the store, one letter a space:
 *
 * | key | row |
 * |---|---|
 * | `e<path>` | entry record |
 * | `v/<entry id>/<version, 12 digits>` | header and bytes of one version |
 * | `a/<account id>`, `n/<login>`, `u/<uid>`, `g/admins` | accounts and their indexes (`@secreg/zones`) |
 * | `p/<policy id>` | policy document |
 * | `s/header` | seal header |
 * | `g/counters` | counters kept with each commit |
 * | `o/<number, 16 digits>` | outbox: audit bodies of one commit |
 * | `x/cursor` | last synced line of the audit log |
 */

export const SEAL_KEY = 's/header'
export const COUNTERS_KEY = 'g/counters'
export const CURSOR_KEY = 'x/cursor'

/** Spaces whose rows are verified under the key at unsealing, before anything relies on them (DESIGN §6). */
export const IDENTITY_SPACES: readonly Space[] = [
  { gte: 'a/', lt: 'a0' },
  { gte: 'g/', lt: 'g0' },
  { gte: 'm/', lt: 'm0' },
  { gte: 'n/', lt: 'n0' },
  { gte: 'p/', lt: 'p0' },
  { gte: 's/', lt: 's0' },
  { gte: 'u/', lt: 'u0' },
]

export const POLICY_SPACE: Space = { gte: 'p/', lt: 'p0' }
export const OUTBOX_SPACE: Space = { gte: 'o/', lt: 'o0' }
export const ACCOUNT_SPACE: Space = { gte: 'a/', lt: 'a0' }

/** A half-open range of keys. */
export interface Space {
  readonly gte: string
  readonly lt: string
}

export function entryKey(path: string): string {
  return `e${path}`
}

export function pathOfEntryKey(key: string): string {
  return key.slice(1)
}

/** Every entry strictly below a prefix; `''` is the root. `0` follows `/` in ASCII. */
export function entriesBelow(prefix: string): Space {
  return { gte: `e${prefix}/`, lt: `e${prefix}0` }
}

export function versionKey(entryId: string, version: number): string {
  return `v/${entryId}/${String(version).padStart(12, '0')}`
}

export function policyKey(id: string): string {
  return `p/${id}`
}

export function outboxKey(number: number): string {
  return `o/${String(number).padStart(16, '0')}`
}

export function outboxNumber(key: string): number {
  return Number(key.slice(2))
}
