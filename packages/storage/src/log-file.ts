/**
 * LevelDB's log format (leveldb db/log_format.h), used by its write-ahead log and its MANIFEST:
 * blocks of 32 KiB with records of
 *
 * ```
 *  0                          4            6      7
 *  | masked CRC-32C (LE)      | length(LE) | type | payload |
 * ```
 *
 * LevelDB drops damaged records of the write-ahead log without a word, and takes a damaged length
 * for the end of the file. This reader tells damage from a tail that was cut short by a crash.
 */
import { type Crc32c, maskCrc32c } from './crc32c.ts'
import type { Steps } from './slices.ts'

const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

export interface LogScan {
  /** Payloads of the whole, undamaged records before the first fault. Views or copies. */
  readonly records: readonly Uint8Array[]
  /** Offset of the first record that is damaged although the writer went on after it. */
  readonly damagedAt: number | undefined
  /** Offset of an incomplete or unreadable end, as a crash leaves it. */
  readonly tornAt: number | undefined
}

/** Read a whole file, one block or less a step. */
export function* scanLog(bytes: Uint8Array, crc: Crc32c): Steps<LogScan> {
  const records: Uint8Array[] = []
  let parts: Uint8Array[] | undefined
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const left = leftInBlock(bytes, at)
    if (left < HEADER_BYTES && at + left < bytes.length) {
      at += left
      continue
    }
    const payload = payloadAt(bytes, at, crc)
    const type = bytes[at + 6]
    const continues = type === LAST || type === LAST - 1
    if (payload === undefined || continues !== (parts !== undefined)) {
      const damaged = payload !== undefined || (yield* isDamage(bytes, at, crc))
      // LevelDB's reader also stops at the record that the fault is part of.
      return damaged
        ? { records, damagedAt: at, tornAt: undefined }
        : { records, damagedAt: undefined, tornAt: parts === undefined ? at : start }
    }
    if (parts === undefined) {
      parts = []
      start = at
    }
    parts.push(payload)
    yield
    at += HEADER_BYTES + payload.length
    if (type === FULL || type === LAST) {
      records.push(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts))
      parts = undefined
    }
  }
  return { records, damagedAt: undefined, tornAt: parts === undefined ? undefined : start }
}

function leftInBlock(bytes: Uint8Array, at: number): number {
  return Math.min(BLOCK_BYTES - (at % BLOCK_BYTES), bytes.length - at)
}

/** The payload of the sound record at `at`, or undefined. `length` overrides the stored one. */
function payloadAt(
  bytes: Uint8Array,
  at: number,
  crc: Crc32c,
  length?: number,
): Uint8Array | undefined {
  const left = leftInBlock(bytes, at)
  if (left < HEADER_BYTES) return undefined
  const size = length ?? (bytes[at + 4] as number) + (bytes[at + 5] as number) * 256
  const type = bytes[at + 6] as number
  if (type < FULL || type > LAST || HEADER_BYTES + size > left) return undefined
  const stored = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true)
  if (maskCrc32c(crc(bytes.subarray(at + 6, at + HEADER_BYTES + size))) !== stored) return undefined
  return bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + size)
}

/**
 * A record that cannot be read is damage, and not a torn end, when it is sound under another
 * length (the checksum covers all but the length), or when a later record begins soundly: the
 * writer syncs each record before it begins the next. A later part of the same record says nothing:
 * a loss of power can leave some blocks of a long record and not others.
 */
function* isDamage(bytes: Uint8Array, at: number, crc: Crc32c): Steps<boolean> {
  const left = leftInBlock(bytes, at)
  if (left >= HEADER_BYTES) {
    const stored = (bytes[at + 4] as number) + (bytes[at + 5] as number) * 256
    const lengths = [left - HEADER_BYTES]
    for (let bit = 0; bit < 16; bit++) lengths.push(stored ^ (1 << bit))
    if (lengths.some((length) => payloadAt(bytes, at, crc, length) !== undefined)) return true
  }
  let aligned = false
  for (let next = at + 1; next + HEADER_BYTES <= bytes.length; next++) {
    const type = bytes[next + 6] as number
    aligned ||= next % BLOCK_BYTES === 0
    const begins = type === FULL || type === FIRST
    if (!begins && !aligned) continue
    // An empty record is no commit; four random bytes match its checksum too easily.
    const payload = payloadAt(bytes, next, crc)
    yield
    if (payload === undefined || payload.length === 0) {
      aligned = false
      continue
    }
    if (begins) return true
    // Where a part must begin, one that is sound is what it says, and nothing begins inside it.
    next += HEADER_BYTES + payload.length - 1
    aligned = true
  }
  return false
}
