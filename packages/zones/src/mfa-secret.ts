/**
 * The secrets of a second factor: sealed, shown, and its recovery codes.
 *
 * Associated data of the seal: `encodeFields('secreg/mfa/v1', account id)`, so that a row that is put under another
 * account opens nothing. HMAC of a recovery code: key HKDF-SHA-256 of the key given, info `secreg/mfa/recovery/v1`;
 * data `encodeFields(account id, code)`.
 */
import {
  type CryptoBackend,
  decodeBase64,
  encodeBase64,
  encodeFields,
  KEY_BYTES,
  NONCE_BYTES,
} from '@secreg/crypto'
import { encodeBase32 } from './base32.ts'
import { toHex } from './hex.ts'
import { invalid, isLine } from './name.ts'
import { randomBytes } from './random-id.ts'
import { TOTP_STEP_MS } from './totp.ts'

/** What the plans of second factors need from outside. */
export interface MfaContext {
  /** Milliseconds since 1970, of a clock that the owner of the authenticator shares. */
  readonly nowMs: number
  readonly crypto: CryptoBackend
  /** 32 bytes, for second factors alone. */
  readonly key: Uint8Array
}

const RECOVERY_BYTES = 10
const RECOVERY = /^[A-Za-z2-7]{4}(?:-[A-Za-z2-7]{4}){3}$/
const ISSUER_MAX = 64

/** @throws RangeError */
export function checkKey(key: Uint8Array): Uint8Array {
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES) {
    throw new RangeError(`key: expected ${KEY_BYTES} bytes`)
  }
  return key
}

/** Seal a secret for an account. */
export function sealSecret(
  { crypto, key }: MfaContext,
  account: string,
  secret: Uint8Array,
): string {
  const nonce = randomBytes(crypto, NONCE_BYTES)
  const sealed = crypto.xchachaSeal(checkKey(key), nonce, bindingOf(account), secret)
  const bytes = new Uint8Array(nonce.length + sealed.length)
  bytes.set(nonce)
  bytes.set(sealed, nonce.length)
  return encodeBase64(bytes)
}

/**
 * Open a sealed secret; a fresh copy, which the caller wipes.
 *
 * @throws CryptoError `ERR_CRYPTO_OPEN` for another account or key
 */
export function openSecret(
  { crypto, key }: MfaContext,
  account: string,
  sealed: string,
): Uint8Array {
  const bytes = decodeBase64(sealed) ?? new Uint8Array()
  const nonce = bytes.subarray(0, NONCE_BYTES)
  return crypto.xchachaOpen(checkKey(key), nonce, bindingOf(account), bytes.subarray(NONCE_BYTES))
}

function bindingOf(account: string): Uint8Array {
  return encodeFields('secreg/mfa/v1', account)
}

/** A fresh recovery code: 80 random bits, 16 base32 characters in groups of four. */
export function newRecoveryCode(crypto: MfaContext['crypto']): string {
  return encodeBase32(randomBytes(crypto, RECOVERY_BYTES)).replace(/(.{4})(?!$)/g, '$1-')
}

/** The one spelling of a recovery code, or undefined where a text is none. Case is all that may differ. */
export function normalizeRecoveryCode(text: string): string | undefined {
  return text.length === 19 && RECOVERY.test(text) ? text.toUpperCase() : undefined
}

/** What is stored of a recovery code. */
export function recoveryMac({ crypto, key }: MfaContext, account: string, code: string): string {
  const info = new TextEncoder().encode('secreg/mfa/recovery/v1')
  const subkey = crypto.hkdfSha256(checkKey(key), new Uint8Array(), info, KEY_BYTES)
  const mac = toHex(crypto.hmacSha256(subkey, encodeFields(account, code)))
  subkey.fill(0)
  return mac
}

/**
 * What an authenticator reads from a QR code (Key URI Format, google-authenticator wiki).
 *
 * @param issuer name of the service; without `:`, which separates it from the login
 * @throws SecregError `ERR_INVALID_ARGUMENT`
 */
export function otpauthUri(issuer: string, login: string, secret: string): string {
  if (!isLine(issuer, ISSUER_MAX) || issuer.includes(':')) {
    throw invalid(`issuer: expected at most ${ISSUER_MAX} characters on one line, without :`)
  }
  const label = `${percent(issuer)}:${percent(login)}`
  const period = TOTP_STEP_MS / 1000
  return `otpauth://totp/${label}?secret=${secret}&issuer=${percent(issuer)}&algorithm=SHA1&digits=6&period=${period}`
}

/** Everything but the unreserved characters of RFC 3986 section 2.3; a space is %20, never +. */
function percent(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
