/**
 * Stored password hashes as PHC strings: `$scrypt$ln=17,r=8,p=1$<salt>$<hash>` (PHC string format; salt and hash in
 * base64 without padding, one spelling only).
 */
import { assertText, isBytes } from './assert.ts'
import type { CryptoBackend } from './backend.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { wipe } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { nobleBackend } from './noble-backend.ts'
import { assertPassphrase, encodePassphrase, type Passphrase } from './passphrase.ts'
import {
  assertScryptBounds,
  DEFAULT_SCRYPT,
  nobleScrypt,
  type Scrypt,
  type ScryptParams,
} from './scrypt.ts'

/** Length of a new salt in bytes. */
const SALT_BYTES = 16
const SALT_MAX_BYTES = 64
/** Length of a hash in bytes. */
const HASH_BYTES = 32

/** A parsed password hash. */
export interface PasswordHash {
  readonly params: ScryptParams
  /** 16 to 64 bytes. */
  readonly salt: Uint8Array
  /** 32 bytes. */
  readonly hash: Uint8Array
}

/** Options of the password functions. */
export interface PasswordHashOptions {
  /** Default: {@link nobleScrypt}. A server passes the one of a worker pool. */
  readonly scrypt?: Scrypt
  /** Default: {@link nobleBackend}. */
  readonly backend?: CryptoBackend
  /** Parameters of a new hash. Default: {@link DEFAULT_SCRYPT}. */
  readonly params?: ScryptParams
}

const PATTERN =
  /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,3}),p=([1-9]\d{0,3})\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{43})$/

/**
 * Read a PHC string.
 *
 * @throws CryptoError `ERR_CRYPTO_FORMAT` for any other text, `ERR_CRYPTO_KDF_BELOW_FLOOR`,
 *   `ERR_CRYPTO_KDF_ABOVE_CEILING`
 */
export function parsePasswordHash(text: string): PasswordHash {
  const match = PATTERN.exec(assertText(text, 'text'))
  const salt = match === null ? undefined : decodeBase64(match[4] as string, false)
  const hash = match === null ? undefined : decodeBase64(match[5] as string, false)
  if (
    match === null ||
    salt === undefined ||
    hash?.length !== HASH_BYTES ||
    salt.length < SALT_BYTES ||
    salt.length > SALT_MAX_BYTES
  ) {
    throw new CryptoError('ERR_CRYPTO_FORMAT')
  }
  const ln = Number(match[1])
  // 2^52 is already far above the ceiling, and still an exact integer.
  const params = { N: 2 ** Math.min(ln, 52), r: Number(match[2]), p: Number(match[3]) }
  assertScryptBounds(params)
  return { params, salt, hash }
}

/** Write a PHC string; the counterpart of {@link parsePasswordHash}, with the same bounds. */
export function formatPasswordHash({ params, salt, hash }: PasswordHash): string {
  assertScryptBounds(params)
  if (!isBytes(salt) || !isBytes(hash)) {
    throw new TypeError('salt and hash must be Uint8Arrays')
  }
  if (salt.length < SALT_BYTES || salt.length > SALT_MAX_BYTES || hash.length !== HASH_BYTES) {
    throw new RangeError('salt must be 16 to 64 bytes long, hash 32')
  }
  const cost = `ln=${Math.log2(params.N)},r=${params.r},p=${params.p}`
  return `$scrypt$${cost}$${encodeBase64(salt, false)}$${encodeBase64(hash, false)}`
}

/** Hash a password with a fresh random salt; returns a PHC string. An empty or over-long one is a RangeError. */
export async function hashPassword(
  password: Passphrase,
  {
    scrypt = nobleScrypt,
    backend = nobleBackend,
    params = DEFAULT_SCRYPT,
  }: PasswordHashOptions = {},
): Promise<string> {
  assertScryptBounds(params)
  const bytes = assertPassphrase(password)
  try {
    const salt = backend.randomBytes(SALT_BYTES)
    const hash = await scrypt(bytes, salt, { ...params, length: HASH_BYTES })
    return formatPasswordHash({ params, salt, hash })
  } finally {
    wipe(bytes)
  }
}

/**
 * Compare a password with a stored hash, in constant time after the derivation.
 *
 * A text that cannot be a password (empty, over 4096 bytes, ill-formed) does not match and is not derived from: its
 * sender knows as much without the answer.
 *
 * @throws CryptoError as {@link parsePasswordHash}, and what `scrypt` throws
 */
export async function verifyPassword(
  password: Passphrase,
  stored: string,
  { scrypt = nobleScrypt, backend = nobleBackend }: PasswordHashOptions = {},
): Promise<boolean> {
  const { params, salt, hash } = parsePasswordHash(stored)
  const bytes = encodePassphrase(password)
  if (bytes === undefined) return false
  try {
    const actual = await scrypt(bytes, salt, { ...params, length: HASH_BYTES })
    const same = backend.equal(actual, hash)
    wipe(actual)
    return same
  } finally {
    wipe(bytes)
  }
}

/** Tell whether a stored hash was made with other parameters than new hashes are. */
export function needsRehash(stored: string, params: ScryptParams = DEFAULT_SCRYPT): boolean {
  const { params: used } = parsePasswordHash(stored)
  return used.N !== params.N || used.r !== params.r || used.p !== params.p
}

/**
 * A PHC string that no password matches, to verify against when an account does not exist: the answer then takes as
 * long as for one that does.
 */
export function decoyPasswordHash({
  backend = nobleBackend,
  params = DEFAULT_SCRYPT,
}: PasswordHashOptions = {}): string {
  const salt = backend.randomBytes(SALT_BYTES)
  return formatPasswordHash({ params, salt, hash: backend.randomBytes(HASH_BYTES) })
}
