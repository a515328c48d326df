/** Pieces that the texts of notes and proofs have in common; all of them read strictly. */
import { HASH_BYTES } from './merkle.ts'

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/
const HEX_HASH = /^[0-9a-f]{64}$/

/** Decimal number without leading zero, at most 2^53 − 1; undefined for anything else. */
export function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || !DECIMAL.test(text)) return undefined
  const value = Number(text)
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined
}

/** RFC 4648 §4 with padding and in its one canonical form; undefined for anything else. */
export function parseBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? Uint8Array.from(bytes) : undefined
}

export function formatBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** A hash of 32 bytes in base64. */
export function parseHash(text: string | undefined): Uint8Array | undefined {
  const bytes = text === undefined ? undefined : parseBase64(text)
  return bytes?.length === HASH_BYTES ? bytes : undefined
}

/** Whether the text is a hash as lines of the log hold it. */
export function isHexHash(text: string | undefined): text is string {
  return text !== undefined && HEX_HASH.test(text)
}

/** The number if it can be a size, an index or a sequence; throws RangeError otherwise. */
export function assertNumber(value: number, label: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new RangeError(`expected ${label} from 0 to 2^53 - 1, got ${value}`)
}
