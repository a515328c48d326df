/** scrypt (RFC 7914) behind a function type, and the bounds on its parameters. */
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { assertBytes, assertInteger } from './assert.ts'
import { CryptoError } from './errors.ts'

/** Cost parameters of scrypt (RFC 7914 §2). Memory is about 128 · N · r bytes. */
export interface ScryptParams {
  /** CPU and memory cost, a power of two. */
  readonly N: number
  /** Block size. */
  readonly r: number
  /** Parallelisation. */
  readonly p: number
}

/** A scrypt implementation. It may overwrite nothing that it was given; the result is a fresh copy. */
export type Scrypt = (
  password: Uint8Array,
  salt: Uint8Array,
  params: ScryptParams & { readonly length: number },
) => Promise<Uint8Array>

/** Parameters for new passphrases and passwords: 128 MiB, about half a second of one core. */
export const DEFAULT_SCRYPT: ScryptParams = Object.freeze({ N: 2 ** 17, r: 8, p: 1 })
/** The weakest parameters that anything in this package accepts; nothing lowers them. */
export const SCRYPT_FLOOR: ScryptParams = Object.freeze({ N: 2 ** 15, r: 8, p: 1 })
/** The costliest single parameters accepted. */
export const SCRYPT_CEILING: ScryptParams = Object.freeze({ N: 2 ** 20, r: 32, p: 16 })
/** Most memory of one derivation in bytes: 128 · N · r. */
export const SCRYPT_MAX_MEMORY_BYTES: number = 2 ** 30
/** Most work of one derivation: 128 · N · r · p. */
const SCRYPT_MAX_WORK = 2 ** 32
/** Longest derived key in bytes. */
const SCRYPT_MAX_LENGTH = 1024

/**
 * Refuse parameters outside the bounds before anything is computed from them.
 *
 * @throws CryptoError `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`
 */
export function assertScryptBounds(params: ScryptParams): void {
  const { N, r, p } = assertScryptShape(params)
  if (N < SCRYPT_FLOOR.N || r < SCRYPT_FLOOR.r || p < SCRYPT_FLOOR.p) {
    throw new CryptoError('ERR_CRYPTO_KDF_BELOW_FLOOR')
  }
  assertScryptCeiling(params)
}

/**
 * Refuse parameters that would take too much memory or time.
 *
 * @throws CryptoError `ERR_CRYPTO_KDF_ABOVE_CEILING`
 */
export function assertScryptCeiling(params: ScryptParams): void {
  const { N, r, p } = assertScryptShape(params)
  if (
    N > SCRYPT_CEILING.N ||
    r > SCRYPT_CEILING.r ||
    p > SCRYPT_CEILING.p ||
    128 * N * r > SCRYPT_MAX_MEMORY_BYTES ||
    128 * N * r * p > SCRYPT_MAX_WORK
  ) {
    throw new CryptoError('ERR_CRYPTO_KDF_ABOVE_CEILING')
  }
}

/** Check the arguments of a {@link Scrypt} call. The floor belongs to the formats, not to the primitive. */
export function assertScryptCall(
  password: Uint8Array,
  salt: Uint8Array,
  params: ScryptParams & { readonly length: number },
): void {
  assertBytes(password, 'password')
  assertBytes(salt, 'salt')
  assertScryptCeiling(params)
  assertInteger(params.length, 'length', 1, SCRYPT_MAX_LENGTH)
}

/** scrypt in plain JavaScript. It yields to the event loop while it runs, and is slower than a native one. */
export const nobleScrypt: Scrypt = async (password, salt, params) => {
  assertScryptCall(password, salt, params)
  const { N, r, p, length } = params
  return scryptAsync(password, salt, { N, r, p, dkLen: length, maxmem: 128 * r * (N + p + 2) })
}

function assertScryptShape(params: ScryptParams): ScryptParams {
  if (typeof params !== 'object' || params === null) {
    throw new TypeError('scrypt parameters must be an object')
  }
  for (const name of ['N', 'r', 'p'] as const) {
    assertInteger(params[name], name, 1, Number.MAX_SAFE_INTEGER)
  }
  if (!Number.isInteger(Math.log2(params.N))) throw new RangeError('N must be a power of two')
  return params
}
