/**
 * Bytes of a row. All integers are big-endian.
 *
 * ```
 *  0        1        2                 8                 14          14+n        end-4   end
 *  | format | flags  | create revision | modify revision | value (n) | tag (16)? | CRC-32 |
 * ```
 *
 * format is 1. Bit 0 of flags: a keyed tag is present; all other bits are zero. The tag covers
 * key and bytes [0, 14+n), the CRC-32 (IEEE) covers the storage key and bytes [0, end-4), so that
 * damage is found also while the keys are unknown.
 */
import { timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Row, RowCheck } from './engine.ts'
import { StorageError } from './errors.ts'
import { HEAD_KEY } from './layout.ts'
import { STEP_BYTES, type Steps } from './slices.ts'

export const ROW_FORMAT = 1
const HEADER_BYTES = 14
export const TAG_BYTES = 16
const CRC_BYTES = 4
const FLAG_KEYED = 1

/** A row together with what the head's sums are made of: the CRC-32 of its stored bytes, and its tag. */
export class StoredRow implements Row {
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modifyRevision: number
  readonly #crc: number
  readonly #tagged: boolean

  /**
   * @param value in the stored bytes, where the tag follows
   * @param tagged whether that tag was made or verified under the check in use
   */
  constructor(
    value: Uint8Array,
    createRevision: number,
    modifyRevision: number,
    crc: number,
    tagged: boolean,
  ) {
    this.value = value
    this.createRevision = createRevision
    this.modifyRevision = modifyRevision
    this.#crc = crc
    this.#tagged = tagged
  }

  static crcOf(row: StoredRow): number {
    return row.#crc
  }

  /** A view of the tag, 16 bytes; undefined for a row that needs none. */
  static tagOf(row: StoredRow): Uint8Array | undefined {
    const { value } = row
    if (!row.#tagged) return undefined
    return new Uint8Array(value.buffer, value.byteOffset + value.length, TAG_BYTES)
  }
}

export interface EncodedRow {
  readonly bytes: Uint8Array
  /** Its value is a view into `bytes`. */
  readonly row: StoredRow
}

/** Gives memory of exactly so many bytes for a row. */
export type RowMemory = (length: number) => Buffer

/** Memory that is used again for each row: the row before is then overwritten. */
export function scratchMemory(): RowMemory {
  let scratch = Buffer.allocUnsafeSlow(4096)
  return (length) => {
    if (length > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * length)
    return scratch.subarray(0, length)
  }
}

/**
 * @param storageKey the key as stored, with its space
 * @param key the key as the check knows it
 */
export function encodeRow(
  storageKey: string,
  key: string,
  value: Uint8Array,
  createRevision: number,
  modifyRevision: number,
  check: RowCheck | undefined,
  memory: RowMemory = Buffer.allocUnsafeSlow,
): EncodedRow {
  const keyed = check !== undefined && (check.covers?.(key) ?? true)
  const body = HEADER_BYTES + value.length
  const end = body + (keyed ? TAG_BYTES : 0)
  const bytes = memory(end + CRC_BYTES)
  writeHeader(bytes, keyed ? FLAG_KEYED : 0, createRevision, modifyRevision)
  bytes.set(value, HEADER_BYTES)
  if (keyed) bytes.set(tagOf(check, key, bytes.subarray(0, body)), body)
  const crc = crc32(bytes.subarray(0, end), crc32(storageKey))
  bytes.writeUInt32BE(crc, end)
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, value.length)
  return { bytes, row: new StoredRow(view, createRevision, modifyRevision, crc, keyed) }
}

/**
 * A row without a tag, of any length, in steps.
 *
 * @param fill writes the value, `length` bytes
 */
export function* encodeLargeRow(
  storageKey: string,
  length: number,
  revision: number,
  fill: (value: Buffer) => Steps<void>,
): Steps<Uint8Array> {
  const end = HEADER_BYTES + length
  const bytes = Buffer.allocUnsafeSlow(end + CRC_BYTES)
  writeHeader(bytes, 0, revision, revision)
  yield* fill(bytes.subarray(HEADER_BYTES, end))
  let crc = crc32(storageKey)
  for (let from = 0; from < end; from += STEP_BYTES) {
    crc = crc32(bytes.subarray(from, Math.min(end, from + STEP_BYTES)), crc)
    yield
  }
  bytes.writeUInt32BE(crc, end)
  return bytes
}

function writeHeader(bytes: Buffer, flags: number, create: number, modify: number): void {
  bytes[0] = ROW_FORMAT
  bytes[1] = flags
  bytes.writeUIntBE(create, 2, 6)
  bytes.writeUIntBE(modify, 8, 6)
}

/** Whether a stored row that was verified says that it carries a tag. */
export function isTagged(bytes: Uint8Array): boolean {
  return ((bytes[1] as number) & FLAG_KEYED) !== 0
}

/**
 * Verify and open a stored row; its value is a view into `bytes`.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT
 */
export function decodeRow(
  storageKey: string,
  key: string,
  bytes: Uint8Array,
  check: RowCheck | undefined,
): StoredRow {
  const end = bytes.length - CRC_BYTES
  if (end < HEADER_BYTES) throw corrupt(storageKey, key, 'too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const crc = view.getUint32(end)
  if (crc32(bytes.subarray(0, end), crc32(storageKey)) !== crc) {
    throw corrupt(storageKey, key, 'checksum mismatch')
  }
  const flags = bytes[1] as number
  if (bytes[0] !== ROW_FORMAT || (flags & ~FLAG_KEYED) !== 0)
    throw corrupt(storageKey, key, 'unknown format')
  const keyed = (flags & FLAG_KEYED) !== 0
  const body = keyed ? end - TAG_BYTES : end
  if (body < HEADER_BYTES) throw corrupt(storageKey, key, 'too short')
  const verified = check !== undefined && (check.covers?.(key) ?? true)
  if (verified) {
    if (!keyed) throw corrupt(storageKey, key, 'authentication tag missing')
    const tag = tagOf(check, key, bytes.subarray(0, body))
    if (!timingSafeEqual(tag, bytes.subarray(body, end))) {
      throw corrupt(storageKey, key, 'authentication failed')
    }
  }
  return new StoredRow(
    new Uint8Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, body - HEADER_BYTES),
    view.getUint16(2) * 0x1_0000_0000 + view.getUint32(4),
    view.getUint16(8) * 0x1_0000_0000 + view.getUint32(10),
    crc,
    verified,
  )
}

/** @throws TypeError when the check makes tags of another length */
export function tagOf(check: RowCheck, key: string, row: Uint8Array): Uint8Array {
  const tag = check.tag(key, row)
  if (!(tag instanceof Uint8Array) || tag.length !== TAG_BYTES) {
    throw new TypeError(`RowCheck.tag: expected ${TAG_BYTES} bytes`)
  }
  return tag
}

function corrupt(storageKey: string, key: string, detail: string): StorageError {
  const name = storageKey === HEAD_KEY ? 'the head row' : `row ${JSON.stringify(key)}`
  return new StorageError('ERR_STORAGE_CORRUPT', `${name}: ${detail}`)
}
