/** A cache in one file, encrypted. */
import { wipe } from '@secreg/crypto'
import { nodeBackend, readKeyFile } from '@secreg/crypto/node'
import type { SecretCache } from '../cache.ts'
import { sealedCache } from '../sealed-cache.ts'
import { PrivateFile } from './private-file.ts'

/** How the file is protected: one of the two. */
export type FileCacheOptions =
  | {
      /** 32 bytes, uniformly random or derived; copied. See {@link readCacheKey}. */
      readonly key: Uint8Array
    }
  | {
      /** Write values in the clear, in the format of setec's own cache. */
      readonly plaintext: true
    }

/**
 * A cache in a file.
 *
 * It is replaced as a whole and durably, with mode 0600, in a directory that is made with 0700 if it is not there. A
 * file that is a link or no regular file, belongs to somebody else, or that others may read or write, is neither read
 * nor replaced: `ERR_STORE_FILE_UNSAFE`. A file that is not there is an empty cache.
 *
 * @param path - in a directory where only this user may write
 *
 * @example
 * ```ts
 * const cache = fileCache('/var/lib/web/secrets', { key: await readCacheKey('/etc/web/cache.key') })
 * ```
 */
export function fileCache(path: string, options: FileCacheOptions): SecretCache {
  const file = new PrivateFile(path)
  const { key, plaintext } = (options ?? {}) as { key?: Uint8Array; plaintext?: unknown }
  if (plaintext === undefined)
    return sealedCache(file, { key: key as Uint8Array, backend: nodeBackend })
  if (plaintext !== true) throw new TypeError('plaintext: expected true, or none with a key')
  if (key !== undefined) throw new TypeError('key: expected none with plaintext')
  return { read: () => file.read(), write: (bytes) => file.write(bytes) }
}

/**
 * Make a key for {@link fileCache} from a key file: 32 to 4096 bytes that nobody can guess, in a private file of this
 * user or root. Other uses of the same file get other keys.
 *
 * @returns 32 bytes, which the caller wipes
 * @throws CryptoError `ERR_CRYPTO_KEY_FILE_UNREADABLE`, `ERR_CRYPTO_KEY_FILE_UNSAFE`, `ERR_CRYPTO_KEY_FILE_SIZE`
 */
export async function readCacheKey(path: string): Promise<Uint8Array> {
  const bytes = await readKeyFile(path)
  try {
    const info = new TextEncoder().encode('secreg/v1/store-cache')
    return nodeBackend.hkdfSha256(bytes, new Uint8Array(0), info, 32)
  } finally {
    wipe(bytes)
  }
}
