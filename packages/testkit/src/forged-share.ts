/** Shares of a seal as docs/formats.md has them, without any code of the project: to forge them. */
import { createHash } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const BYTES = 48
const CHECKED_BYTES = 44
/** Where the threshold, the count, the number and the secret part of a share stand. */
export const SHARE_AT: Readonly<Record<'threshold' | 'count' | 'index' | 'secret', number>> =
  Object.freeze({ threshold: 8, count: 9, index: 10, secret: 11 })

function shareBytes(text: string): Buffer {
  const compact = text.replace(/[\s-]/g, '').slice('SRS1'.length)
  const bits = [...compact].map((char) => ALPHABET.indexOf(char).toString(2).padStart(5, '0'))
  const all = bits.join('')
  return Buffer.from(
    Array.from({ length: BYTES }, (_, at) => Number.parseInt(all.slice(8 * at, 8 * at + 8), 2)),
  )
}

/** A share with other bytes and a checksum that fits them. */
export function forgeShare(text: string, change: (bytes: Buffer) => void): string {
  const bytes = shareBytes(text)
  change(bytes)
  const head = bytes.subarray(0, CHECKED_BYTES)
  const checksum = createHash('sha256').update('secreg/v1/share').update(head).digest()
  checksum.copy(bytes, CHECKED_BYTES, 0, BYTES - CHECKED_BYTES)
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const chars = (bits.padEnd(385, '0').match(/.{5}/g) ?? []).map(
    (five) => ALPHABET[Number.parseInt(five, 2)],
  )
  return `SRS1-${(chars.join('').match(/.{1,7}/g) ?? []).join('-')}`
}

/** Flip one bit of the secret part; the checksum fits. */
export function otherShare(text: string, bit = 0): string {
  return forgeShare(text, (bytes) => {
    const at = SHARE_AT.secret + (bit >> 3)
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
  })
}
