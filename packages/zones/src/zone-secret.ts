/**
 * Secrets of accounts of zones that are random: regular and temporary tokens (specs: subauth §4).
 *
 * ```
 * regular     <ident: 4 hexadecimal digits>-<secret: 20 random bytes in base32, 32 lower-case characters>
 *             stored: SHA-256 of encodeFields('secreg/zone-token/v1', salt, secret)
 * temporary   t1-<payload>-<mac>, both in lower-case base32; nothing is stored
 *             payload: zone id (16 bytes) | account id (16) | end, ms since 1970 (8, big-endian) |
 *                      generation (8, big-endian) | random (16) | login (1 to 64)
 *             mac: HMAC-SHA-256 of encodeFields('secreg/zone-temp/v1', payload)
 * ```
 * A secret of 160 random bits cannot be guessed at any speed, so it needs no slow hash.
 */
import { type CryptoBackend, encodeFields, KEY_BYTES } from '@secreg/crypto'
import { decodeBase32, encodeBase32 } from './base32.ts'
import { fromHex, toHex } from './hex.ts'
import { type RandomSource, randomBytes } from './random-id.ts'
import type { ZoneAccount, ZoneToken } from './zone-account.ts'

const SECRET_BYTES = 20
const SALT_BYTES = 16
const TOKEN = /^([0-9A-Fa-f]{4})-([a-z2-7]{32})$/
/** Head of the payload, and the longest login. */
const HEAD_BYTES = 64
const PAYLOAD_MAX_BYTES = HEAD_BYTES + 64
const MAC_BYTES = 32
const TEMPORARY = /^t1-([a-z2-7]{104,205})-([a-z2-7]{52})$/

/** What an account of a zone presents: told by its form alone, so that no form is tried as another. */
export type ZoneSecretForm = 'password' | 'token' | 'temporary'

/** The form of a text (specs: subauth §4). */
export function zoneSecretForm(text: string): ZoneSecretForm {
  const dash = text.indexOf('-')
  if (dash < 0) return 'password'
  return dash === 4 && /^[0-9A-Fa-f]{4}-/.test(text) ? 'token' : 'temporary'
}

/** Ident and secret of a regular token as written, or undefined. The ident in either case of letters. */
export function parseZoneToken(text: string): { ident: string; secret: string } | undefined {
  const parts = text.length === 37 ? TOKEN.exec(text) : null
  if (parts === null) return undefined
  return { ident: (parts[1] as string).toLowerCase(), secret: parts[2] as string }
}

/** Make the secret of a regular token: what is stored of it, and the whole text. */
export function makeZoneToken(
  crypto: Pick<CryptoBackend, 'randomBytes' | 'sha256'>,
  ident: string,
): Pick<ZoneToken, 'salt' | 'hash'> & { readonly text: string } {
  const secret = encodeBase32(randomBytes(crypto, SECRET_BYTES)).toLowerCase()
  const salt = toHex(randomBytes(crypto, SALT_BYTES))
  return { salt, hash: toHex(hashZoneToken(crypto, salt, secret)), text: `${ident}-${secret}` }
}

/** What is stored of the secret of a regular token, 32 bytes. */
export function hashZoneToken(
  crypto: Pick<CryptoBackend, 'sha256'>,
  salt: string,
  secret: string,
): Uint8Array {
  return crypto.sha256(encodeFields('secreg/zone-token/v1', fromHex(salt), secret))
}

/** Make a temporary token. */
export function makeTempToken(
  crypto: RandomSource & Pick<CryptoBackend, 'hmacSha256'>,
  key: Uint8Array,
  account: ZoneAccount,
  expiresAtMs: number,
): string {
  const login = new TextEncoder().encode(account.login)
  const payload = new Uint8Array(HEAD_BYTES + login.length)
  const words = new DataView(payload.buffer)
  payload.set(fromHex(account.zone), 0)
  payload.set(fromHex(account.id), 16)
  words.setBigUint64(32, BigInt(expiresAtMs))
  words.setBigUint64(40, BigInt(account.generation))
  payload.set(randomBytes(crypto, 16), 48)
  payload.set(login, HEAD_BYTES)
  return `t1-${base32(payload)}-${base32(macOf(crypto, key, payload))}`
}

/**
 * Verify a temporary token of an account. One MAC is computed in every case, and compared in constant time.
 *
 * @param account undefined where there is none: never good, after the same work
 * @returns when it ends, milliseconds since 1970; undefined when it is not good, or has ended
 */
export function verifyTempToken(
  crypto: Pick<CryptoBackend, 'hmacSha256' | 'equal'>,
  key: Uint8Array,
  account: ZoneAccount | undefined,
  text: string,
  nowMs: number,
): number | undefined {
  const parts = text.length <= 300 ? TEMPORARY.exec(text) : null
  const payload = decode(parts?.[1])
  const mac = decode(parts?.[2])
  const whole =
    payload !== undefined && payload.length > HEAD_BYTES && payload.length <= PAYLOAD_MAX_BYTES
  const made = macOf(crypto, key, whole ? payload : new Uint8Array(HEAD_BYTES + 1))
  const genuine = crypto.equal(made, mac?.length === MAC_BYTES ? mac : new Uint8Array(MAC_BYTES))
  if (!genuine || !whole || account === undefined) return undefined
  const words = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const login = new TextDecoder().decode(payload.subarray(HEAD_BYTES))
  const endMs = words.getBigUint64(32)
  const isGood =
    toHex(payload.subarray(0, 16)) === account.zone &&
    toHex(payload.subarray(16, 32)) === account.id &&
    login === account.login &&
    words.getBigUint64(40) === BigInt(account.generation) &&
    BigInt(nowMs) < endMs
  return isGood ? Number(endMs) : undefined
}

function macOf(
  crypto: Pick<CryptoBackend, 'hmacSha256'>,
  key: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES) {
    throw new RangeError(`key: expected ${KEY_BYTES} bytes`)
  }
  return crypto.hmacSha256(key, encodeFields('secreg/zone-temp/v1', payload))
}

function base32(bytes: Uint8Array): string {
  return encodeBase32(bytes).toLowerCase()
}

function decode(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : decodeBase32(text.toUpperCase())
}
