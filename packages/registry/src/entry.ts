/** Records of entries, as rows (form: `record.ts`). */
import type { ValueType } from '@secreg/protocol'
import type { Row } from '@secreg/storage'
import { NO_NUMBERS, type NumberSet } from './number-set.ts'
import { decodeRecord, encodeRecord, FLAG, flagsOf } from './record.ts'

/** Values up to this size stand in the records themselves (DESIGN §4, "many versions"). */
export const INLINE_VALUE_BYTES = 4096

/** What clients keep beside the value. */
export interface Metadata {
  readonly description?: string
  readonly tags?: readonly string[]
  readonly custom?: Readonly<Record<string, string>>
  /** Names of the custom members written under `grant`: policy conditions see these only (DESIGN §7). */
  readonly granted?: readonly string[]
}

/** Limits of one entry, where they differ from its mount's. */
export interface EntryLimits {
  readonly maxVersions?: number
  readonly casRequired?: boolean
  readonly deleteAfterMs?: number
}

/** What the record of an entry holds. */
export interface Entry {
  /** Random, 128 bits, hexadecimal: one life of a path. */
  readonly id: string
  readonly type: ValueType
  /** Of the active version. */
  readonly encrypted: boolean
  readonly private: boolean
  readonly ephemeral: boolean
  /** When the entry was deleted; its versions are kept. */
  readonly deletedAtMs?: number
  readonly deletedBy?: string
  readonly createdAtMs: number
  readonly createdBy: string
  /** Active version; 0 when there is none. */
  readonly active: number
  /** What happened to the active version itself. */
  readonly activeState?: 'deleted' | 'destroyed'
  /** When the active version can no longer be read. */
  readonly activeExpiresAtMs?: number
  /** Latest version number ever used. */
  readonly latest: number
  /** Latest number of the lives before: numbers never repeat. */
  readonly base: number
  /** Versions that have a row. */
  readonly present: NumberSet
  /** Numbers up to the latest that were never used. */
  readonly unused: NumberSet
  /** Some version has a value in a row of its own, or an expiry. */
  readonly scattered: boolean
  readonly modifiedAtMs: number
  readonly modifiedBy: string
  /** When the whole entry goes. */
  readonly expiresAtMs?: number
  readonly metadata: Metadata
  readonly limits: EntryLimits
  /** Paths at which it was before, where files may still hold its records; `['']` when they are too many. */
  readonly former?: readonly string[]
  /** Modify revision that clients know, where the row was written since without a change: a rotation does that. */
  readonly keptRevision?: number
  /** Bytes of the active version when they are small; a view of the row. */
  readonly value?: Uint8Array
}

interface EntryHeader {
  i: string
  t: ValueType
  c: number
  cb: string
  a: number
  l: number
  b: number
  m: number
  mb: string
  p: NumberSet
  d?: number
  db?: string
  as?: 'deleted' | 'destroyed'
  ax?: number
  u?: NumberSet
  s?: true
  x?: number
  md?: Metadata
  li?: EntryLimits
  f?: readonly string[]
  r?: number
}

const NOTHING: object = Object.freeze({})
const decodedEntries = new WeakMap<Row, Entry>()

export function encodeEntry(entry: Entry): Uint8Array {
  const { deletedAtMs, deletedBy, activeState, activeExpiresAtMs, expiresAtMs } = entry
  const header: EntryHeader = {
    i: entry.id,
    t: entry.type,
    c: entry.createdAtMs,
    cb: entry.createdBy,
    a: entry.active,
    l: entry.latest,
    b: entry.base,
    m: entry.modifiedAtMs,
    mb: entry.modifiedBy,
    p: entry.present,
  }
  if (deletedAtMs !== undefined) header.d = deletedAtMs
  if (deletedBy !== undefined) header.db = deletedBy
  if (activeState !== undefined) header.as = activeState
  if (activeExpiresAtMs !== undefined) header.ax = activeExpiresAtMs
  if (entry.unused.length > 0) header.u = entry.unused
  if (entry.scattered) header.s = true
  if (expiresAtMs !== undefined) header.x = expiresAtMs
  if (!isEmpty(entry.metadata)) header.md = entry.metadata
  if (!isEmpty(entry.limits)) header.li = entry.limits
  if (entry.former !== undefined) header.f = entry.former
  if (entry.keptRevision !== undefined) header.r = entry.keptRevision
  const hidden = deletedAtMs !== undefined || activeState !== undefined || entry.active === 0
  const expires = expiresAtMs !== undefined || activeExpiresAtMs !== undefined
  const flags =
    (entry.encrypted ? FLAG.encrypted : 0) |
    (entry.private ? FLAG.private : 0) |
    (entry.ephemeral ? FLAG.ephemeral : 0) |
    (hidden ? FLAG.hidden : 0) |
    (expires ? FLAG.expires : 0)
  return encodeRecord(flags, header, entry.value)
}

/**
 * Read an entry record. The same object is returned for the same row object.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function decodeEntry(row: Row): Entry {
  let entry = decodedEntries.get(row)
  if (entry === undefined) {
    entry = parseEntry(row.value)
    decodedEntries.set(row, entry)
  }
  return entry
}

/**
 * The same for a row that nobody asks for again.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function parseEntry(bytes: Uint8Array): Entry {
  return decodeRecord(bytes, ({ flags, header, value }) => {
    const h = header as EntryHeader
    return {
      id: h.i,
      type: h.t,
      encrypted: (flags & FLAG.encrypted) !== 0,
      private: (flags & FLAG.private) !== 0,
      ephemeral: (flags & FLAG.ephemeral) !== 0,
      ...(h.d === undefined ? NOTHING : { deletedAtMs: h.d }),
      ...(h.db === undefined ? NOTHING : { deletedBy: h.db }),
      createdAtMs: h.c,
      createdBy: h.cb,
      active: h.a,
      ...(h.as === undefined ? NOTHING : { activeState: h.as }),
      ...(h.ax === undefined ? NOTHING : { activeExpiresAtMs: h.ax }),
      latest: h.l,
      base: h.b,
      present: h.p,
      unused: h.u ?? NO_NUMBERS,
      scattered: h.s === true,
      modifiedAtMs: h.m,
      modifiedBy: h.mb,
      ...(h.x === undefined ? NOTHING : { expiresAtMs: h.x }),
      metadata: h.md ?? NOTHING,
      limits: h.li ?? NOTHING,
      ...(h.f === undefined ? NOTHING : { former: h.f }),
      ...(h.r === undefined ? NOTHING : { keptRevision: h.r }),
      ...(value === undefined ? NOTHING : { value }),
    }
  })
}

/** Revision of the last change of an entry, which clients compare with. */
export function revisionOf(row: Row): number {
  return decodeEntry(row).keptRevision ?? row.modifyRevision
}

/** Whether the time matters to who reads some version of an entry. */
export function expires(entry: Entry): boolean {
  return entry.scattered || entry.expiresAtMs !== undefined || entry.activeExpiresAtMs !== undefined
}

/** Whether an entry has a value that can be read. */
export function isLive(entry: Entry, nowMs: number): boolean {
  return (
    entry.active !== 0 &&
    entry.deletedAtMs === undefined &&
    entry.activeState === undefined &&
    !isPast(entry.expiresAtMs, nowMs) &&
    !isPast(entry.activeExpiresAtMs, nowMs)
  )
}

/** The same from the flags where they say enough. */
export function isLiveRow(row: Row, nowMs: number): boolean {
  const flags = flagsOf(row.value)
  if ((flags & FLAG.hidden) !== 0) return false
  return (flags & FLAG.expires) === 0 || isLive(decodeEntry(row), nowMs)
}

/** Whether the whole entry has expired: it is as if it had been purged, only the sweeper has not come yet. */
export function isExpired(entry: Entry, nowMs: number): boolean {
  return isPast(entry.expiresAtMs, nowMs)
}

function isPast(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs <= nowMs
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false
  return true
}
