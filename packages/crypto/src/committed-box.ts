/**
 * Encryption under a secret that a person types or a file holds, where a wrong secret and damage are two errors.
 *
 * XChaCha20-Poly1305 alone commits to no key: one ciphertext can open under several. So a tag over the header, keyed
 * from the secret, is checked first.
 *
 *   wrap key | commitment key = HKDF-SHA256(secret, salt = '', info = 'secreg/v1/committed', 64)
 *   commitment = HMAC-SHA256(commitment key, fields('secreg/v1/commitment', context))
 *   sealed     = XChaCha20-Poly1305(wrap key, nonce, aad = fields(context, commitment), plaintext)
 *   checksum   = SHA-256(fields('secreg/v1/checksum', context, commitment, nonce, SHA-256(sealed)))
 *
 * The checksum has no key and protects nothing: it tells damage apart before a costly derivation is started.
 */
import { type CryptoBackend, KEY_BYTES, NONCE_BYTES } from './backend.ts'
import { encodeFields, utf8Bytes, wipe } from './bytes.ts'
import { CryptoError } from './errors.ts'

/** Length of a commitment and of a checksum in bytes. */
export const COMMITMENT_BYTES = 32

/** A sealed secret with all that is needed to check it. */
export interface CommittedBox {
  /** 32 bytes. */
  readonly commitment: Uint8Array
  /** 24 bytes. */
  readonly nonce: Uint8Array
  /** 16 bytes longer than the plaintext. */
  readonly sealed: Uint8Array
  /** 32 bytes. */
  readonly checksum: Uint8Array
}

/** Seal `plaintext` under a secret of 32 uniformly random or derived bytes, bound to `context`. */
export function sealCommitted(
  backend: CryptoBackend,
  secret: Uint8Array,
  context: Uint8Array,
  plaintext: Uint8Array,
): CommittedBox {
  const keys = deriveKeys(backend, secret)
  try {
    const commitment = commit(backend, keys, context)
    const nonce = backend.randomBytes(NONCE_BYTES)
    const aad = encodeFields(context, commitment)
    const sealed = backend.xchachaSeal(keys.subarray(0, KEY_BYTES), nonce, aad, plaintext)
    const checksum = checksumOf(backend, context, { commitment, nonce, sealed })
    return { commitment, nonce, sealed, checksum }
  } finally {
    wipe(keys)
  }
}

/**
 * Refuse a box whose bytes or context are not as they were written.
 *
 * @throws CryptoError `ERR_CRYPTO_DAMAGED`
 */
export function assertUndamaged(
  backend: CryptoBackend,
  context: Uint8Array,
  box: CommittedBox,
): void {
  if (!backend.equal(checksumOf(backend, context, box), box.checksum)) {
    throw new CryptoError('ERR_CRYPTO_DAMAGED')
  }
}

/**
 * Open a box.
 *
 * @returns `undefined` if the secret is not the one that it was sealed under
 * @throws CryptoError `ERR_CRYPTO_DAMAGED` if the secret is right and the ciphertext is not
 */
export function openCommitted(
  backend: CryptoBackend,
  secret: Uint8Array,
  context: Uint8Array,
  box: CommittedBox,
): Uint8Array | undefined {
  const keys = deriveKeys(backend, secret)
  try {
    if (!backend.equal(commit(backend, keys, context), box.commitment)) return undefined
    const aad = encodeFields(context, box.commitment)
    return backend.xchachaOpen(keys.subarray(0, KEY_BYTES), box.nonce, aad, box.sealed)
  } catch (cause) {
    throw new CryptoError('ERR_CRYPTO_DAMAGED', { cause })
  } finally {
    wipe(keys)
  }
}

function deriveKeys(backend: CryptoBackend, secret: Uint8Array): Uint8Array {
  const info = utf8Bytes('secreg/v1/committed')
  return backend.hkdfSha256(secret, new Uint8Array(0), info, 2 * KEY_BYTES)
}

function commit(backend: CryptoBackend, keys: Uint8Array, context: Uint8Array): Uint8Array {
  const message = encodeFields('secreg/v1/commitment', context)
  return backend.hmacSha256(keys.subarray(KEY_BYTES), message)
}

function checksumOf(
  backend: CryptoBackend,
  context: Uint8Array,
  { commitment, nonce, sealed }: Omit<CommittedBox, 'checksum'>,
): Uint8Array {
  const content = backend.sha256(sealed)
  return backend.sha256(encodeFields('secreg/v1/checksum', context, commitment, nonce, content))
}
