/** Bytes in JSON as Go reads them (encoding/json, "Unmarshal"): base64 text, or an array of numbers. */
import { LIMITS, SecregError } from '@secreg/protocol'
import { JsonSyntaxError, textOf } from './json-scan.ts'

/** Per ASCII code: its 6 bits, or 255 where it is not of the standard alphabet (RFC 4648 §4). */
const BITS: Uint8Array = new Uint8Array(128).fill(255)
for (const [bits, character] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  BITS[character.charCodeAt(0)] = bits
}

const LARGEST_BYTE = 255

/**
 * Read bytes.
 *
 * @param written - a JSON value as it is written, known to be well-formed
 * @returns bytes of the caller's own; none for `null`
 * @throws JsonSyntaxError for any other value; SecregError `ERR_VALUE_TOO_LARGE` above 1 MiB
 */
export function decodeBytes(written: string): Uint8Array {
  switch (written[0]) {
    case 'n':
      return new Uint8Array(0)
    case '"':
      return decodeBase64(textOf(written))
    case '[':
      return decodeNumbers(written.slice(1, -1))
    default:
      throw new JsonSyntaxError('bytes must be base64, or an array of numbers')
  }
}

/** Standard alphabet with padding. Line breaks are passed over, and the unused bits of the last character ignored. */
function decodeBase64(text: string): Uint8Array {
  const packed = /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, '') : text
  const { length } = packed
  if (length % 4 !== 0) throw notBase64()
  const padding = packed.endsWith('==') ? 2 : packed.endsWith('=') ? 1 : 0
  requireFits((length / 4) * 3 - padding)
  const bytes = new Uint8Array((length / 4) * 3 - padding)
  const characters = length - padding
  let group = 0
  let to = 0
  for (let at = 0; at < characters; at++) {
    const bits = BITS[packed.charCodeAt(at)] ?? 255
    if (bits === 255) throw notBase64()
    group = (group << 6) | bits
    if (at % 4 === 3) {
      bytes[to++] = group >>> 16
      bytes[to++] = group >>> 8
      bytes[to++] = group
      group = 0
    }
  }
  if (padding === 1) {
    bytes[to++] = group >>> 10
    bytes[to] = group >>> 2
  } else if (padding === 2) bytes[to] = group >>> 4
  return bytes
}

/** `null` is the zero of a number. */
function decodeNumbers(written: string): Uint8Array {
  if (/^[ \t\r\n]*$/.test(written)) return new Uint8Array(0)
  const numbers = written.split(',')
  requireFits(numbers.length)
  return Uint8Array.from(numbers, (padded) => {
    const number = padded.trim()
    if (number === 'null') return 0
    if (!/^[0-9]{1,3}$/.test(number) || Number(number) > LARGEST_BYTE) {
      throw new JsonSyntaxError('an array of bytes must be of integers from 0 to 255')
    }
    return Number(number)
  })
}

function requireFits(bytes: number): void {
  if (bytes > LIMITS.valueBytes) {
    throw new SecregError('VALUE_TOO_LARGE', `a value must not exceed ${LIMITS.valueBytes} bytes`)
  }
}

function notBase64(): JsonSyntaxError {
  return new JsonSyntaxError('a text of bytes must be standard base64 with padding')
}
