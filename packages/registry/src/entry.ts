/**
 * Records of entries and of their versions, as rows.
 *
 * ```
 * off  size  field
 * 0    1     format, 1
 * 1    1     flags: 1 encrypted, 2 private, 4 ephemeral, 8 deleted, 16 value follows
 * 2    4     length n of the header, big-endian
 * 6    n     header, JSON
 * 6+n  m     value: bytes of a plain value, or the sealed blob
 * ```
 * The flags stand before the header so that a listing need not read it. The row's check value and tag cover all of
 * it together with its key, so a record put elsewhere fails (DESIGN §5, §6).
 */
import { SecregError, type ValueType } from '@secreg/protocol'
import type { Row } from '@secreg/storage'

const FORMAT = 1
const HEADER_AT = 6

const FLAG = Object.freeze({
  encrypted: 1,
  private: 2,
  ephemeral: 4,
  deleted: 8,
  value: 16,
} as const)

/** Active values up to this size stand in the entry record itself (DESIGN §4, "many versions"). */
export const INLINE_VALUE_BYTES = 4096

/** What the record of an entry holds. */
export interface Entry {
  /** Random, 128 bits, hexadecimal: one life of a path. */
  readonly id: string
  readonly type: ValueType
  readonly encrypted: boolean
  /** When the entry was softly deleted; its versions are kept. */
  readonly deletedAtMs?: number
  readonly createdAtMs: number
  readonly createdBy: string
  /** Active version; 0 when there is none. */
  readonly active: number
  /** Latest version number ever used. */
  readonly latest: number
  /** Latest number of the lives before: numbers never repeat. */
  readonly base: number
  readonly modifiedAtMs: number
  readonly modifiedBy: string
  /** Bytes of the active version when they are small; a view of the row. */
  readonly value?: Uint8Array
}

/** What the row of one version holds. */
export interface Version {
  readonly type: ValueType
  readonly encrypted: boolean
  readonly createdAtMs: number
  readonly createdBy: string
  /** A view of the row. */
  readonly value: Uint8Array
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
  d?: number
}

interface VersionHeader {
  t: ValueType
  c: number
  cb: string
}

const decoder = new TextDecoder('utf-8', { fatal: true })
const decodedEntries = new WeakMap<Row, Entry>()

function encodeRecord(flags: number, header: object, value: Uint8Array | undefined): Uint8Array {
  const text = JSON.stringify(header)
  const size = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafeSlow(HEADER_AT + size + (value?.length ?? 0))
  bytes[0] = FORMAT
  bytes[1] = value === undefined ? flags : flags | FLAG.value
  bytes.writeUInt32BE(size, 2)
  bytes.write(text, HEADER_AT, 'utf8')
  if (value !== undefined) bytes.set(value, HEADER_AT + size)
  return bytes
}

function decodeRecord(bytes: Uint8Array): { flags: number; header: unknown; value?: Uint8Array } {
  const flags = bytes[1]
  if (bytes[0] !== FORMAT || flags === undefined || bytes.length < HEADER_AT) throw corrupt()
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(2)
  if (HEADER_AT + size > bytes.length) throw corrupt()
  const header = JSON.parse(decoder.decode(bytes.subarray(HEADER_AT, HEADER_AT + size)))
  return (flags & FLAG.value) === 0
    ? { flags, header }
    : { flags, header, value: bytes.subarray(HEADER_AT + size) }
}

function corrupt(cause?: unknown): SecregError {
  return new SecregError('STORAGE_CORRUPT', 'a record of the store cannot be read', { cause })
}

export function encodeEntry(entry: Entry): Uint8Array {
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
    ...(entry.deletedAtMs === undefined ? {} : { d: entry.deletedAtMs }),
  }
  const flags =
    (entry.encrypted ? FLAG.encrypted : 0) | (entry.deletedAtMs === undefined ? 0 : FLAG.deleted)
  return encodeRecord(flags, header, entry.value)
}

/**
 * Read an entry record. The same object is returned for the same row object.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function decodeEntry(row: Row): Entry {
  const known = decodedEntries.get(row)
  if (known !== undefined) return known
  let entry: Entry
  try {
    const { flags, header, value } = decodeRecord(row.value)
    const h = header as EntryHeader
    entry = {
      id: h.i,
      type: h.t,
      encrypted: (flags & FLAG.encrypted) !== 0,
      ...(h.d === undefined ? {} : { deletedAtMs: h.d }),
      createdAtMs: h.c,
      createdBy: h.cb,
      active: h.a,
      latest: h.l,
      base: h.b,
      modifiedAtMs: h.m,
      modifiedBy: h.mb,
      ...(value === undefined ? {} : { value }),
    }
  } catch (error) {
    throw SecregError.is(error) ? error : corrupt(error)
  }
  decodedEntries.set(row, entry)
  return entry
}

/** Tell from the flags alone whether an entry record is one of a softly deleted entry. */
export function isDeletedEntryRow(row: Row): boolean {
  return ((row.value[1] ?? 0) & FLAG.deleted) !== 0
}

export function encodeVersion(version: Version): Uint8Array {
  const header: VersionHeader = {
    t: version.type,
    c: version.createdAtMs,
    cb: version.createdBy,
  }
  return encodeRecord(version.encrypted ? FLAG.encrypted : 0, header, version.value)
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeVersion(row: Row): Version {
  try {
    const { flags, header, value } = decodeRecord(row.value)
    const h = header as VersionHeader
    if (value === undefined) throw corrupt()
    return {
      type: h.t,
      encrypted: (flags & FLAG.encrypted) !== 0,
      createdAtMs: h.c,
      createdBy: h.cb,
      value,
    }
  } catch (error) {
    throw SecregError.is(error) ? error : corrupt(error)
  }
}
