/**
 * Shares of a secret, k of n (Shamir, "How to share a secret", 1979; over GF(2^8), by shamir-secret-sharing).
 *
 * A share as text is `SRS1-` and 77 characters of base32 (RFC 4648 §6, no padding) in groups of seven. Case, spaces
 * and hyphens do not matter when it is read. The bytes:
 *
 *      0     8 set id, random, the same in all shares of a set
 *      8     1 threshold k
 *      9     1 count n
 *     10     1 index, 1 to n
 *     11    33 share
 *     44     4 checksum: first bytes of SHA-256('secreg/v1/share' | bytes 0 to 44)
 *
 * The checksum finds typing mistakes and says nothing about whether a share is genuine; only the whole set shows that.
 */
import { combine, split } from 'shamir-secret-sharing'
import { assertBytes, assertInteger, assertText } from './assert.ts'
import { type CryptoBackend, KEY_BYTES } from './backend.ts'
import { concatBytes, utf8Bytes, wipe } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { nobleBackend } from './noble-backend.ts'

/** Length of a set id in bytes. */
export const SHARE_SET_ID_BYTES = 8
/** Most shares of a set. */
export const SHARES_MAX = 255

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const PREFIX = 'SRS1'
const HEAD_BYTES = SHARE_SET_ID_BYTES + 3
const SHARE_BYTES = KEY_BYTES + 1
const CHECKSUM_BYTES = 4
const TOTAL_BYTES = HEAD_BYTES + SHARE_BYTES + CHECKSUM_BYTES
const TEXT_LENGTH: number = Math.ceil((TOTAL_BYTES * 8) / 5)
/** Longest text looked at, with room for spaces and hyphens. */
const TEXT_MAX = 1024

/** What a share says about itself. Not secret, and not proven. */
export interface ShareInfo {
  /** 16 hexadecimal digits. */
  readonly setId: string
  /** Shares needed, 2 to 255. */
  readonly threshold: number
  /** Shares made, 2 to 255. */
  readonly count: number
  /** Number of this share, 1 to count. */
  readonly index: number
}

interface Share extends ShareInfo {
  readonly bytes: Uint8Array
}

/** Split 32 bytes into `count` texts of which any `threshold` give them back. */
export async function splitSecret(
  secret: Uint8Array,
  setId: Uint8Array,
  threshold: number,
  count: number,
  backend: CryptoBackend = nobleBackend,
): Promise<string[]> {
  assertBytes(secret, 'secret', KEY_BYTES)
  assertBytes(setId, 'setId', SHARE_SET_ID_BYTES)
  assertThreshold(threshold, count)
  // A copy, because the library takes nothing but a plain Uint8Array.
  const plain = Uint8Array.from(secret)
  const shares = await split(plain, count, threshold)
  const texts = shares.map((share, at) => {
    const head = concatBytes(setId, Uint8Array.of(threshold, count, at + 1), share)
    const bytes = concatBytes(head, checksumOf(head, backend))
    const text = formatShare(bytes)
    wipe(share, head, bytes)
    return text
  })
  wipe(plain)
  return texts
}

/**
 * Read what a share says about itself, without its secret part.
 *
 * @throws CryptoError `ERR_CRYPTO_SHARE` if it is mistyped or incomplete
 */
export function readShare(text: string, backend: CryptoBackend = nobleBackend): ShareInfo {
  const { bytes, setId, threshold, count, index } = parseShare(text, backend)
  wipe(bytes)
  return { setId, threshold, count, index }
}

/**
 * Put a secret together from shares of one set; a share given twice counts once. Shares of other sets, or a share that
 * is not genuine, give `undefined` or a wrong secret, and only once as many shares as needed are there: until then
 * nothing is learnt about any of them.
 *
 * @returns 32 bytes, which the caller verifies and wipes, or `undefined` if no secret can come of these
 * @throws CryptoError `ERR_CRYPTO_SHARE` if a text is mistyped, `ERR_CRYPTO_SHARES_MISSING` below the threshold
 */
export async function combineShares(
  texts: readonly string[],
  set: Omit<ShareInfo, 'index'>,
  backend: CryptoBackend = nobleBackend,
): Promise<Uint8Array | undefined> {
  if (!Array.isArray(texts)) throw new TypeError('shares must be an array')
  if (texts.length > SHARES_MAX) throw new RangeError(`shares must be at most ${SHARES_MAX}`)
  const shares: Share[] = []
  try {
    for (const text of texts) {
      const share = parseShare(text, backend)
      if (shares.some(({ bytes }) => backend.equal(bytes, share.bytes))) wipe(share.bytes)
      else shares.push(share)
    }
    if (shares.length < set.threshold) throw new CryptoError('ERR_CRYPTO_SHARES_MISSING')
    const fitting = shares.filter(
      ({ setId, threshold, count }) =>
        setId === set.setId && threshold === set.threshold && count === set.count,
    )
    const points = new Set(fitting.map(({ bytes }) => bytes[HEAD_BYTES + KEY_BYTES]))
    if (fitting.length < set.threshold || points.size < fitting.length) return undefined
    const parts = fitting.map(({ bytes }) => bytes.slice(HEAD_BYTES, HEAD_BYTES + SHARE_BYTES))
    const secret = await combine(parts)
    wipe(...parts)
    return secret
  } finally {
    wipe(...shares.map(({ bytes }) => bytes))
  }
}

/** Check a threshold and a count: 2 ≤ threshold ≤ count ≤ 255. */
export function assertThreshold(threshold: number, count: number): void {
  assertInteger(count, 'count', 2, SHARES_MAX)
  assertInteger(threshold, 'threshold', 2, count)
}

/** Write bytes as 16 hexadecimal digits. */
export function formatSetId(setId: Uint8Array): string {
  return Array.from(setId, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function parseShare(text: string, backend: CryptoBackend): Share {
  const bytes = decodeShare(assertText(text, 'share'))
  if (bytes !== undefined) {
    const [threshold, count, index] = bytes.subarray(SHARE_SET_ID_BYTES, HEAD_BYTES) as unknown as [
      number,
      number,
      number,
    ]
    const end = TOTAL_BYTES - CHECKSUM_BYTES
    const checksum = checksumOf(bytes.subarray(0, end), backend)
    const point = bytes[end - 1]
    if (
      backend.equal(checksum, bytes.subarray(end)) &&
      threshold >= 2 &&
      count >= threshold &&
      index >= 1 &&
      index <= count &&
      point !== 0
    ) {
      const setId = formatSetId(bytes.subarray(0, SHARE_SET_ID_BYTES))
      return { setId, threshold, count, index, bytes }
    }
    wipe(bytes)
  }
  throw new CryptoError('ERR_CRYPTO_SHARE')
}

function checksumOf(bytes: Uint8Array, backend: CryptoBackend): Uint8Array {
  const input = concatBytes(utf8Bytes('secreg/v1/share'), bytes)
  const checksum = backend.sha256(input).subarray(0, CHECKSUM_BYTES)
  wipe(input)
  return checksum
}

function formatShare(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
  }
  text += ALPHABET[(held << (5 - bits)) & 31]
  return `${PREFIX}-${(text.match(/.{1,7}/g) as string[]).join('-')}`
}

function decodeShare(text: string): Uint8Array | undefined {
  if (text.length > TEXT_MAX) return undefined
  const compact = text.toUpperCase().replace(/[\s-]/g, '')
  if (!compact.startsWith(PREFIX) || compact.length !== PREFIX.length + TEXT_LENGTH)
    return undefined
  const bytes = new Uint8Array(TOTAL_BYTES)
  let at = 0
  let held = 0
  let bits = 0
  for (const char of compact.slice(PREFIX.length)) {
    const value = ALPHABET.indexOf(char)
    if (value < 0) return undefined
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined
}
