/**
 * Encryption around a cache.
 *
 *   0   16  ASCII `secreg-cache v1` and a line feed: the format, and the associated data
 *   16  24  nonce, random
 *   40   …  XChaCha20-Poly1305 ciphertext, then 16 bytes of tag
 */
import { type CryptoBackend, KEY_BYTES, NONCE_BYTES, nobleBackend } from '@secreg/crypto'
import type { SecretCache } from './cache.ts'
import { StoreError } from './errors.ts'
import { checkMethods } from './options.ts'
import { isBytes } from './source.ts'

const FORMAT: Uint8Array = new TextEncoder().encode('secreg-cache v1\n')
const HEAD_BYTES = FORMAT.length + NONCE_BYTES

/** Options of {@link sealedCache}. */
export interface SealedCacheOptions {
  /** 32 bytes, uniformly random or derived; copied. */
  readonly key: Uint8Array
  /** Default the neutral one. */
  readonly backend?: CryptoBackend
}

/**
 * A cache whose content only the key opens.
 *
 * `read` fails with `ERR_STORE_FORMAT` when what is there was not written by this, and with the `CryptoError`
 * `ERR_CRYPTO_OPEN` when key or bytes are not as they were.
 */
export function sealedCache(cache: SecretCache, options: SealedCacheOptions): SecretCache {
  checkMethods(cache, 'cache', ['read', 'write'])
  const key = checkKey(options?.key).slice()
  const backend = options.backend ?? nobleBackend
  return {
    async read() {
      const bytes = await cache.read()
      if (bytes === undefined) return undefined
      if (!FORMAT.every((byte, index) => bytes[index] === byte)) {
        throw new StoreError('ERR_STORE_FORMAT', 'the cache is not an encrypted one of this format')
      }
      const nonce = bytes.subarray(FORMAT.length, HEAD_BYTES)
      if (nonce.length < NONCE_BYTES) {
        throw new StoreError('ERR_STORE_FORMAT', 'the encrypted cache is cut off')
      }
      return backend.xchachaOpen(key, nonce, FORMAT, bytes.subarray(HEAD_BYTES))
    },
    async write(bytes) {
      const nonce = backend.randomBytes(NONCE_BYTES)
      const sealed = backend.xchachaSeal(key, nonce, FORMAT, bytes)
      const out = new Uint8Array(HEAD_BYTES + sealed.length)
      out.set(FORMAT)
      out.set(nonce, FORMAT.length)
      out.set(sealed, HEAD_BYTES)
      await cache.write(out)
    },
  }
}

/** Check a key of 32 bytes. */
export function checkKey(key: Uint8Array): Uint8Array {
  if (!isBytes(key)) throw new TypeError('key: expected a Uint8Array')
  if (key.length !== KEY_BYTES) {
    throw new RangeError(`key: expected ${KEY_BYTES} bytes, got ${key.length}`)
  }
  return key
}
