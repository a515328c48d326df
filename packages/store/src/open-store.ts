/** Opens a store. */
import { CachingStore } from './caching-store.ts'
import { type StoreOptions, settingsOf } from './options.ts'
import type { SecretStore } from './store.ts'

/**
 * Open a store of secrets.
 *
 * Values come from the cache first. Names that it does not have are fetched, each again after 1, 2, 4 … 4096 ms until
 * it has a value; with all of them cached, the store is there at once and asks the source in the background.
 *
 * @param options - source, names, cache and how to keep the values fresh
 * @returns a store in which every declared name has a value; the caller closes it
 * @throws StoreError `ERR_STORE_REFUSED` when the source answers what waiting cannot mend, `ERR_STORE_UNAVAILABLE` when
 *   the signal is aborted or the source is fixed and lacks a name; TypeError, RangeError for a wrong option
 *
 * @example
 * ```ts
 * await using store = await openStore({ source, secrets: ['/app/db-password'] })
 * const password = store.secret('/app/db-password')
 * ```
 */
export async function openStore<const Names extends string = never>(
  options: StoreOptions<Names>,
): Promise<SecretStore<Names>> {
  const settings = settingsOf(options)
  options.signal?.throwIfAborted()
  const store = new CachingStore(settings)
  try {
    await store.start(options.signal)
  } catch (error) {
    await store.abandon()
    throw error
  }
  return store as SecretStore<Names>
}
