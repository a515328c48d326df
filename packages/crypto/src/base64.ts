/** Strict base64 (RFC 4648 §4): one text per byte string, so a stored document has no second spelling. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const ENCODE: Uint8Array = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0))
const INVALID = 0xff
const DECODE: Uint8Array = new Uint8Array(128).fill(INVALID)
for (let i = 0; i < 64; i++) DECODE[ENCODE[i] as number] = i
const PAD = 0x3d

/** Encode bytes; `padded` adds `=` to a multiple of four characters. */
export function encodeBase64(bytes: Uint8Array, padded = true): string {
  const length = Math.ceil(bytes.length / 3) * 4
  const out = new Uint8Array(length).fill(PAD)
  let at = 0
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i] as number, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0]
    out[at++] = ENCODE[a >> 2] as number
    out[at++] = ENCODE[((a & 3) << 4) | (b >> 4)] as number
    if (i + 1 < bytes.length) out[at++] = ENCODE[((b & 15) << 2) | (c >> 6)] as number
    if (i + 2 < bytes.length) out[at++] = ENCODE[c & 63] as number
  }
  return new TextDecoder('latin1').decode(padded ? out : out.subarray(0, at))
}

/**
 * Decode canonical base64 into a fresh copy.
 *
 * @returns `undefined` for any other spelling: foreign characters, wrong padding, or set bits past the last byte
 *   (RFC 4648 §3.5)
 */
export function decodeBase64(text: string, padded = true): Uint8Array | undefined {
  let end = text.length
  if (padded) {
    if (end % 4 !== 0) return undefined
    if (end > 0 && text.charCodeAt(end - 1) === PAD) end--
    if (end > 0 && end < text.length && text.charCodeAt(end - 1) === PAD) end--
  }
  const rest = end % 4
  if (rest === 1) return undefined
  const out = new Uint8Array(Math.floor((end * 3) / 4))
  let at = 0
  let bits = 0
  let held = 0
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? (DECODE[code] as number) : INVALID
    if (value === INVALID) return undefined
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      out[at++] = (held >> bits) & 0xff
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? out : undefined
}
