/**
 * One reversible mapping of any foreign name to one path segment (DESIGN §4): bytes of UTF-8 that a segment cannot
 * hold, and `%` itself, become `%` and two upper-case hexadecimal digits; a name that is `.` or `..`, and every
 * non-ASCII byte of a name that is not in normalisation form C, likewise.
 */
import { SecregError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { isPath } from './path.ts'

const PERCENT = 0x25
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const escapeByte = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

/** What becomes of each ASCII character. */
const ASCII: readonly string[] = Object.freeze(
  Array.from({ length: 0x80 }, (_, code) => {
    const character = String.fromCharCode(code)
    return code !== PERCENT && isPath(`/_${character}`) ? character : escapeByte(code)
  }),
)

function escapeAll(text: string): string {
  return Array.from(encoder.encode(text), escapeByte).join('')
}

/**
 * Map a foreign name to a segment.
 *
 * @param name - any well-formed, non-empty text
 * @returns a segment that {@link decodeSegment} maps back to the same name
 * @throws SecregError `ERR_PATH_INVALID` when it is empty, not well-formed, or its segment is too long for a path
 *
 * @example
 * ```ts
 * encodeSegment('dev/api key?') // 'dev%2Fapi key%3F'
 * ```
 */
export function encodeSegment(name: string): string {
  // Encoding makes nothing shorter: what is too long is not looked at.
  if (name.length >= LIMITS.pathBytes) throw tooLong()
  if (name === '' || /\p{Surrogate}/u.test(name)) {
    throw new SecregError('PATH_INVALID', 'a name must be well-formed text and not empty')
  }
  const composed = name.normalize('NFC') === name
  let segment = ''
  for (const character of name) {
    const ascii = ASCII[character.codePointAt(0) as number]
    if (ascii !== undefined) segment += ascii
    else segment += composed && isPath(`/_${character}`) ? character : escapeAll(character)
  }
  if (segment === '.' || segment === '..') segment = escapeAll(segment)
  if (!isPath(`/${segment}`)) throw tooLong()
  return segment
}

function tooLong(): SecregError {
  return new SecregError(
    'PATH_INVALID',
    `a name must fit ${LIMITS.pathBytes - 1} bytes when encoded`,
  )
}

/**
 * Map a segment back to the foreign name.
 *
 * @throws SecregError `ERR_PATH_INVALID` when it is not what {@link encodeSegment} makes of any name
 */
export function decodeSegment(segment: string): string {
  const name = textOfSegment(segment)
  if (name === undefined || encodeSegment(name) !== segment) {
    throw new SecregError('PATH_INVALID', 'not a canonical encoded segment')
  }
  return name
}

function textOfSegment(segment: string): string | undefined {
  const bytes: number[] = []
  const source = encoder.encode(segment)
  for (let at = 0; at < source.length; at++) {
    const byte = source[at] as number
    if (byte !== PERCENT) {
      bytes.push(byte)
      continue
    }
    const digits =
      segment.length === source.length ? segment.slice(at + 1, at + 3) : asciiAt(source, at + 1)
    if (!/^[0-9A-F]{2}$/.test(digits)) return undefined
    bytes.push(Number.parseInt(digits, 16))
    at += 2
  }
  try {
    return decoder.decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

function asciiAt(source: Uint8Array, at: number): string {
  return String.fromCharCode(...source.subarray(at, at + 2))
}
