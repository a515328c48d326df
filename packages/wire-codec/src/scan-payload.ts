/**
 * What must be known of a payload before and beside JSON.parse, in one pass over its bytes: that its outermost value
 * is an object, its depth, its lone surrogates, the number of its members. Not a validator: that is JSON.parse.
 */
import { LIMITS, SecregError } from '@secreg/protocol'
import { TEXT } from './native-text.ts'

/** Flag: some byte may be above 0x7F. */
export const MAYBE_NOT_ASCII = 1
/** Flag: there is more than the outermost object. */
export const NESTED = 2

/** Bytes of a string after which a native search for its end pays. */
const LONG_RUN_BYTES = 256

/**
 * Scan a payload of at least one byte.
 *
 * @returns the number of members, shifted left by two, and the flags. What it says is right for valid JSON only
 * @throws SecregError `ERR_PAYLOAD_INVALID`
 */
export function scanPayload(bytes: Uint8Array): number {
  const length = bytes.length
  let members = 0
  let depth = 0
  let deepest = 0
  let bits = 0
  // Where the native searches found the next quote and backslash; searched again only once passed, so each byte is
  // searched once.
  let quote = -1
  let backslash = -1
  let i = 0
  while (i < length && isSpace(bytes[i] as number)) i++
  if (bytes[i] !== 0x7b) throw invalid('expected an object')
  for (; i < length; i++) {
    const byte = bytes[i] as number
    if (byte === 0x22) {
      let longAt = i + LONG_RUN_BYTES
      for (;;) {
        i++
        if (i >= longAt) {
          if (quote < i) quote = TEXT.indexOf(bytes, 0x22, i)
          if (backslash < i) backslash = TEXT.indexOf(bytes, 0x5c, i)
          i = Math.min(quote, backslash)
          longAt = i + LONG_RUN_BYTES
          bits = 0xff
        }
        if (i >= length) throw invalid('expected JSON in UTF-8')
        const inner = bytes[i] as number
        if (inner === 0x22) break
        bits |= inner
        if (inner === 0x5c) i = skipEscape(bytes, i)
      }
    } else if (byte === 0x3a) {
      members++
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++
      if (depth > deepest) {
        deepest = depth
        if (depth > LIMITS.payloadDepth) {
          throw invalid(`expected at most ${LIMITS.payloadDepth} levels`)
        }
      }
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
  }
  return (members << 2) | (deepest > 1 ? NESTED : 0) | (bits > 0x7f ? MAYBE_NOT_ASCII : 0)
}

/** From a backslash, give the index of the last byte of its escape, or of its pair of escapes. */
function skipEscape(bytes: Uint8Array, backslash: number): number {
  const u = backslash + 1
  if (bytes[u] !== 0x75 || !isD(bytes[u + 1])) return u
  const half = surrogateHalf(bytes[u + 2])
  if (half === undefined) return u
  const paired =
    half === 'high' &&
    bytes[u + 5] === 0x5c &&
    bytes[u + 6] === 0x75 &&
    isD(bytes[u + 7]) &&
    surrogateHalf(bytes[u + 8]) === 'low'
  // RFC 8259 §8.2: what such text means is unpredictable, and it has no canonical UTF-8 form.
  if (!paired) throw invalid('expected text without lone surrogates')
  return u + 10
}

/** Which surrogate `\ud?` with this digit begins. */
function surrogateHalf(digit: number | undefined): 'high' | 'low' | undefined {
  if (digit === undefined) return undefined
  if (digit === 0x38 || digit === 0x39) return 'high'
  const letter = digit | 0x20
  if (letter === 0x61 || letter === 0x62) return 'high'
  return letter >= 0x63 && letter <= 0x66 ? 'low' : undefined
}

function isD(byte: number | undefined): boolean {
  return byte === 0x64 || byte === 0x44
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function invalid(what: string): SecregError {
  return new SecregError('PAYLOAD_INVALID', `payload: ${what}`)
}
