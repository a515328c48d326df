/**
 * The primitives that everything else in this package is built from.
 *
 * Both backends of this package give equal bytes for equal inputs and refuse the same arguments.
 */
import { assertBytes, assertInteger } from './assert.ts'

/** Length of an XChaCha20-Poly1305 key in bytes (draft-irtf-cfrg-xchacha-03 §2). */
export const KEY_BYTES = 32
/** Length of an XChaCha20-Poly1305 nonce in bytes (draft-irtf-cfrg-xchacha-03 §2). */
export const NONCE_BYTES = 24
/** Length of a Poly1305 tag in bytes (RFC 8439 §2.5). */
export const TAG_BYTES = 16
/** Longest output of HKDF-SHA256 in bytes (RFC 5869 §2.3). */
export const HKDF_MAX_BYTES: number = 255 * 32
/** Longest `info` of HKDF in bytes: what OpenSSL takes, so that both backends take the same. */
export const HKDF_MAX_INFO_BYTES = 1024
/** Most random bytes of one call: what Web Crypto gives at once. */
export const RANDOM_MAX_BYTES = 65_536

/** The primitives. Every returned array is a fresh copy that the caller owns. */
export interface CryptoBackend {
  /** Short name for logs and benchmarks. */
  readonly name: string
  /** Bytes from the system's generator; 0 to 65 536 of them. */
  randomBytes(length: number): Uint8Array
  /**
   * Encrypt with XChaCha20-Poly1305.
   *
   * @param key - 32 bytes
   * @param nonce - 24 bytes, never used twice with one key
   * @param aad - associated data, any length
   * @returns ciphertext followed by the tag of 16 bytes
   */
  xchachaSeal(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array
  /**
   * Decrypt what {@link CryptoBackend.xchachaSeal} returned.
   *
   * @throws CryptoError `ERR_CRYPTO_OPEN` when anything is not as it was sealed
   */
  xchachaOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array
  /** HKDF-SHA256 (RFC 5869): `length` of 1 to 8160 bytes, `info` of at most 1024. */
  hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** HMAC-SHA256 (RFC 2104): 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array
  /** SHA-256 (FIPS 180-4): 32 bytes. */
  sha256(data: Uint8Array): Uint8Array
  /** Compare in time that depends on the lengths only; arrays of different lengths are not equal. */
  equal(a: Uint8Array, b: Uint8Array): boolean
}

/** Check the arguments of a cipher call. */
export function assertCipher(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  text: Uint8Array,
): void {
  assertBytes(key, 'key', KEY_BYTES)
  assertBytes(nonce, 'nonce', NONCE_BYTES)
  assertBytes(aad, 'aad')
  assertBytes(text, 'text')
}

/** Check the arguments of an HKDF call. */
export function assertHkdf(
  ikm: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): void {
  assertBytes(ikm, 'ikm')
  assertBytes(salt, 'salt')
  if (assertBytes(info, 'info').length > HKDF_MAX_INFO_BYTES) {
    throw new RangeError(`info must be at most ${HKDF_MAX_INFO_BYTES} bytes long`)
  }
  assertInteger(length, 'length', 1, HKDF_MAX_BYTES)
}

/** Check the length of a request for random bytes. */
export function assertRandomLength(length: number): number {
  return assertInteger(length, 'length', 0, RANDOM_MAX_BYTES)
}

/** Compare byte arrays without an early end. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}
