/** Base64 from bytes to bytes, so that no string, which cannot be wiped, ever holds a value (RFC 4648, section 4). */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PAD = '='.charCodeAt(0)
const BLANKS: ReadonlySet<number> = new Set([...' \t\r\n'].map((char) => char.charCodeAt(0)))
const DIGITS: ReadonlyMap<number, number> = new Map(
  [...ALPHABET].map((char, digit) => [char.charCodeAt(0), digit]),
)

/**
 * Decode base64 with its padding; blanks and line ends anywhere are passed over.
 *
 * @returns a fresh array, the caller's to wipe; `undefined` where the text is not base64
 */
export function decodeValueFile(text: Uint8Array): Uint8Array | undefined {
  const room = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let digits = 0
  let pads = 0
  let length = 0
  for (const char of text) {
    if (BLANKS.has(char)) continue
    const digit = DIGITS.get(char)
    if (char === PAD) pads++
    else if (digit === undefined || pads > 0) return refused(room)
    else {
      bits = ((bits << 6) | digit) & 0xffff
      digits++
      if (digits % 4 !== 1) room[length++] = bits >> (6 - 2 * ((digits + 3) % 4))
    }
  }
  const whole = pads <= 2 && digits % 4 !== 1 && (digits + pads) % 4 === 0
  if (!whole) return refused(room)
  const value = room.slice(0, length)
  room.fill(0)
  return value
}

function refused(room: Uint8Array): undefined {
  room.fill(0)
  return undefined
}
