/**
 * Keys of the store, one letter a space:
 *
 * | key | row |
 * |---|---|
 * | `e<path>` | entry record |
 * | `v/<entry id>/<version, 12 digits>` | header of one version, and its bytes where they are few |
 * | `w/<entry id>/<version, 12 digits>` | bytes of one version where they are many |
 * | `i/<dialect>/<SHA-256, hex>` | path of the entry that has what no two of its dialect may share |
 * | `z<path>` | numbers that earlier lives of a path have used |
 * | `t/<ms, 16 digits>/<version, 12 digits><path>` | what expires then: a version, or with 0 the entry |
 * | `q/<entry id>` | entry whose erased bytes may still be in files; `q/seal` the same of the seal header |
 * | `m/<path>` | mounts |
 * | `a/<account id>`, `n/<login>`, `u/<uid>`, `g/admins` | accounts and their indexes (`@secreg/zones`) |
 * | `p/<policy id>` | policy document |
 * | `s/header` | seal header |
 * | `g/group/<name>`, `g/role/<name>`, `g/token/<ident>`, `g/tokens/<account id>`, `g/mfa/<account id>`, `g/zone/…`, `g/zacct/…` | groups, roles, tokens, second factors, zones (`@secreg/zones`) |
 * | `g/counters` | counters kept with each commit |
 * | `g/usage<mount path>` | what the entries of a mount with a quota take; `g/usage-volatile<mount path>` those in memory |
 * | `g/numbers` | how far version numbers were raised by restores |
 * | `g/audit-key` | number of the key that signs the audit log |
 * | `g/rotation` | how far a rotation of the data keys is |
 * | `o/<number, 16 digits>` | outbox: audit bodies of one commit |
 * | `x/cursor` | last synced line of the audit log |
 * | `x/time` | high-water mark of the clock that expiry goes by |
 * | `x/backup` | the last backups |
 */

export const SEAL_KEY = 's/header'
export const COUNTERS_KEY = 'g/counters'
/** The same for entries in memory, itself in memory. */
export const VOLATILE_COUNTERS_KEY = 'g/counters-volatile'
/** Number of the key that signs the audit log, once it is not the first. */
export const AUDIT_KEY_KEY = 'g/audit-key'
export const ROTATION_KEY = 'g/rotation'
export const CURSOR_KEY = 'x/cursor'
export const TIME_KEY = 'x/time'
export const BACKUP_KEY = 'x/backup'

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

export const ENTRY_SPACE: Space = { gte: 'e/', lt: 'e0' }
export const VERSION_SPACE: Space = { gte: 'v/', lt: 'v0' }
export const VALUE_SPACE: Space = { gte: 'w/', lt: 'w0' }
export const POLICY_SPACE: Space = { gte: 'p/', lt: 'p0' }
export const OUTBOX_SPACE: Space = { gte: 'o/', lt: 'o0' }
export const LOGIN_SPACE: Space = { gte: 'n/', lt: 'n0' }
export const ACCOUNT_SPACE: Space = { gte: 'a/', lt: 'a0' }
export const EXPIRY_SPACE: Space = { gte: 't/', lt: 't0' }
export const ERASURE_SPACE: Space = { gte: 'q/', lt: 'q0' }
export const MOUNT_SPACE: Space = { gte: 'm/', lt: 'm0' }
export const TOKEN_SPACE: Space = { gte: 'g/token/', lt: 'g/token0' }
export const SEAL_SPACE: Space = { gte: 's/', lt: 's0' }

/** A half-open range of keys. */
export interface Space {
  readonly gte: string
  readonly lt: string
}

/** What of a space comes after one of its names; all of it when none is given. */
export function spaceAfter(space: Space, name: string | undefined): Space {
  // No name has a character below the blank.
  return name === undefined ? space : { gte: `${space.gte}${name}\u0000`, lt: space.lt }
}

export function entryKey(path: string): string {
  return `e${path}`
}

export function isEntryKey(key: string): boolean {
  return key.charCodeAt(0) === 0x65
}

export function pathOfEntryKey(key: string): string {
  return key.slice(1)
}

/** Every entry strictly below a prefix; `''` is the root. `0` follows `/` in ASCII. */
export function entriesBelow(prefix: string): Space {
  return { gte: `e${prefix}/`, lt: `e${prefix}0` }
}

export function versionKey(entryId: string, version: number): string {
  return `v/${entryId}/${digits(version, 12)}`
}

/** Bytes of a version that are too many for its header's row. */
export function valueKey(entryId: string, version: number): string {
  return `w/${entryId}/${digits(version, 12)}`
}

/** Spaces of an entry's versions. */
export function versionSpaces(entryId: string): readonly Space[] {
  return [
    { gte: `v/${entryId}/`, lt: `v/${entryId}0` },
    { gte: `w/${entryId}/`, lt: `w/${entryId}0` },
  ]
}

/** Numbers that the lives of a path before have used. */
export function retiredKey(path: string): string {
  return `z${path}`
}

/** Row that tells the sweeper; version 0 stands for the entry. */
export function expiryKey(atMs: number, path: string, version: number): string {
  return `t/${digits(atMs, 16)}/${digits(version, 12)}${path}`
}

export function parseExpiryKey(key: string): { atMs: number; version: number; path: string } {
  return { atMs: Number(key.slice(2, 18)), version: Number(key.slice(19, 31)), path: key.slice(31) }
}

export function erasureKey(entryId: string): string {
  return `q/${entryId}`
}

/** Row of the entry that has something; @param hash - SHA-256 of it, hexadecimal */
export function uniqueKey(dialect: string, hash: string): string {
  return `i/${dialect}/${hash}`
}

/** What the entries of a mount take; of those in memory, itself in memory. */
export function usageKey(mountPath: string, volatile: boolean): string {
  return `g/usage${volatile ? '-volatile' : ''}${mountPath}`
}

/** Whether the row of a key is one that a quota counts: the record of an entry, a version, a large value. */
export function isCountedKey(key: string): boolean {
  const space = key.charCodeAt(0)
  return space === 0x65 || space === 0x76 || space === 0x77
}

export function mountKey(path: string): string {
  return `m${path}`
}

function digits(number: number, size: number): string {
  return String(number).padStart(size, '0')
}

export function policyKey(id: string): string {
  return `p/${id}`
}

export function policyIdOf(key: string): string {
  return key.slice(2)
}

/** Ident of the row of an access token. */
export function identOfTokenKey(key: string): string {
  return key.slice(TOKEN_SPACE.gte.length)
}

export function outboxKey(number: number): string {
  return `o/${digits(number, 16)}`
}

export function outboxNumber(key: string): number {
  return Number(key.slice(2))
}
