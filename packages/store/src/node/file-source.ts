/** Secrets from a file, for tests and for moving to a real source. */
import { open } from 'node:fs/promises'
import { wipe } from '@secreg/crypto'
import { parseSetecFile } from '../setec-file.ts'
import type { SecretSource } from '../source.ts'
import { staticSource } from '../static-source.ts'
import { MAX_FILE_BYTES } from './private-file.ts'
import { readBounded } from './read-bounded.ts'

/**
 * A source that answers from a JSON file in the format of setec's FileClient, which is read once, now. A plaintext
 * cache file is one too. Who may read the file is the operator's business.
 *
 * @throws StoreError `ERR_STORE_FORMAT`; the system's error when it cannot be read
 */
export async function fileSource(path: string): Promise<SecretSource> {
  if (typeof path !== 'string') throw new TypeError('path: expected a string')
  const handle = await open(path, 'r')
  try {
    const bytes = await readBounded(handle, MAX_FILE_BYTES, path)
    const source = staticSource(parseSetecFile(bytes))
    wipe(bytes)
    return source
  } finally {
    await handle.close()
  }
}
