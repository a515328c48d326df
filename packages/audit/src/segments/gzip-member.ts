/**
 * One block of lines as a gzip member (RFC 1952 §2.3) that says how long it is, so that a table of
 * the blocks can be read from the headers alone.
 *
 * ```
 *  0  1f 8b 08 04   magic, deflate, FEXTRA
 *  4  00000000      no time
 *  8  00 ff         no extra flags, no system
 * 10  000c          XLEN, little-endian like all numbers here
 * 12  'S' 'R' 0008  subfield
 * 16  u32           bytes of the whole member
 * 20  u32           bytes of the lines
 * 24  …             deflate (RFC 1951)
 * -8  u32 u32       CRC-32 and length of the lines
 * ```
 */
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, inflateRaw } from 'node:zlib'
import { MAX_BLOCK_BYTES } from './forward.ts'

export const MEMBER_HEADER_BYTES = 24
const TRAILER_BYTES = 8
const START = Uint8Array.of(
  ...[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff],
  ...[12, 0, 0x53, 0x52, 8, 0],
)
/** Half of a line is its hash, which does not shrink: level 6 takes twice the time for 8 % less. */
const LEVEL = 1
/** Deflate adds 5 bytes to 16 KiB that cannot be compressed (RFC 1951 §3.2.4). */
const MAX_MEMBER_BYTES = MAX_BLOCK_BYTES + Math.ceil(MAX_BLOCK_BYTES / 1024) + 64

/** How long a member is. */
export interface MemberSize {
  /** Bytes of the member. */
  readonly bytes: number
  /** Bytes of its lines. */
  readonly length: number
}

const deflate = promisify<Uint8Array, object, Buffer>(deflateRaw)
const inflate = promisify<Uint8Array, object, Buffer>(inflateRaw)

/** Compress `lines` off the main thread. They must stay as they are until that is done. */
export async function encodeMember(lines: Uint8Array): Promise<Buffer> {
  const body = await deflate(lines, { level: LEVEL })
  const member = Buffer.allocUnsafe(MEMBER_HEADER_BYTES + body.length + TRAILER_BYTES)
  member.set(START)
  member.writeUInt32LE(member.length, 16)
  member.writeUInt32LE(lines.length, 20)
  member.set(body, MEMBER_HEADER_BYTES)
  member.writeUInt32LE(crc32(lines), member.length - 8)
  member.writeUInt32LE(lines.length, member.length - 4)
  return member
}

/** Read the first {@link MEMBER_HEADER_BYTES} of a member; undefined if it is none of ours. */
export function readMemberHeader(bytes: Buffer): MemberSize | undefined {
  if (bytes.length < MEMBER_HEADER_BYTES) return undefined
  for (let i = 0; i < START.length; i++) if (bytes[i] !== START[i]) return undefined
  const size = { bytes: bytes.readUInt32LE(16), length: bytes.readUInt32LE(20) }
  if (size.bytes < MEMBER_HEADER_BYTES + TRAILER_BYTES || size.bytes > MAX_MEMBER_BYTES) {
    return undefined
  }
  return size.length < 1 || size.length > MAX_BLOCK_BYTES ? undefined : size
}

/**
 * The lines of a whole member, inflated off the main thread into no more than `length` bytes.
 * Undefined if it is damaged.
 */
export async function decodeMember(
  member: Buffer,
  { bytes, length }: MemberSize,
): Promise<Buffer | undefined> {
  const size = readMemberHeader(member)
  if (size?.bytes !== bytes || size.length !== length || member.length !== bytes) return undefined
  let lines: Buffer
  try {
    lines = await inflate(member.subarray(MEMBER_HEADER_BYTES, bytes - TRAILER_BYTES), {
      maxOutputLength: length,
      finishFlush: constants.Z_FINISH,
    })
  } catch {
    return undefined
  }
  const whole = lines.length === length && member.readUInt32LE(bytes - 4) === length
  return whole && member.readUInt32LE(bytes - 8) === crc32(lines) ? lines : undefined
}
