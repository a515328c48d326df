/** Strict base32 (RFC 4648 §6) without padding: one text for each byte string. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Upper-case base32 of bytes. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

/**
 * Decode upper-case base32 into a fresh copy.
 *
 * @returns undefined for any other spelling: foreign characters, an impossible length, or set bits past the last byte
 */
export function decodeBase32(text: string): Uint8Array | undefined {
  const out = new Uint8Array(Math.floor((text.length * 5) / 8))
  if (Math.ceil((out.length * 8) / 5) !== text.length) return undefined
  let at = 0
  let held = 0
  let bits = 0
  for (const char of text) {
    const value = ALPHABET.indexOf(char)
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[at++] = held >> bits
      held &= (1 << bits) - 1
    }
  }
  return held === 0 ? out : undefined
}
