/** The versions of one secret that a program asks for by number. */
import { type SecretStore, StoreError, type WaitOptions } from '@secreg/store'
import { checkName, checkVersion, valueBytes } from './arguments.ts'
import type { VersionedSecrets, VersioningClient } from './versioned-secrets.ts'

export interface VersionedSecretOptions {
  readonly client: VersioningClient
  readonly store: SecretStore
  readonly secrets: VersionedSecrets
  /** Whether the store has a cache. */
  readonly cached: boolean
}

/** A secret of which single versions are asked for. */
export class VersionedSecret {
  readonly #options: VersionedSecretOptions
  readonly name: string

  constructor(name: string, options: VersionedSecretOptions) {
    if (checkName(name) === '') throw new RangeError('name: a name must not be empty')
    this.name = name
    this.#options = options
  }

  /**
   * The value of a version: a copy, fetched the first time. It is held until a poll finds that the server has deleted
   * it, or until it was idle for the time of expiry. Needs `get`; polls need `info`.
   *
   * @param version - 1 to 4,294,967,295
   * @throws what the client throws; StoreError `ERR_STORE_CLOSED`
   */
  async getVersion(version: number, options: WaitOptions = {}): Promise<Uint8Array> {
    checkVersion(version, 1)
    const { store, secrets } = this.#options
    // Says so when the store is closed.
    store.secret(this.name)
    const held = secrets.peek(this.name, version)
    if (held !== undefined) return held.slice()
    options.signal?.throwIfAborted()
    const value = (await waited(secrets.fetch(this.name, version), options.signal)).slice()
    this.#save()
    return value
  }

  /**
   * Write a value under a number that was never used; it is the active one at once, here too. Needs `create-version`.
   *
   * @param version - 1 to 4,294,967,295
   * @param value - bytes, or text as UTF-8
   * @throws what the client throws: `ERR_SETEC_VERSION_CLAIMED` when the number is used, also by a call of this
   *   program at the same time; StoreError `ERR_STORE_CLOSED`
   */
  async createVersion(
    version: number,
    value: Uint8Array | string,
    options: WaitOptions = {},
  ): Promise<void> {
    checkVersion(version, 1)
    const bytes = valueBytes(value)
    const { client, store, secrets } = this.#options
    await store.change(
      this.name,
      async ({ signal }) => {
        await client.createVersion(this.name, version, bytes, { signal })
        secrets.put(this.name, version, bytes)
        return { value: bytes, version }
      },
      options,
    )
  }

  /** The cache holds versions only beside an active value, so that one is needed too. */
  #save(): void {
    const { store, cached } = this.#options
    if (!cached) return
    if (store.secret(this.name) !== undefined) store.saveCache()
    // Adding it has the cache written; without it, the version is in memory only.
    else store.lookup(this.name).catch(() => {})
  }
}

/** Wait only until the signal is aborted; what is awaited goes on. */
function waited<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** The error of what is asked of versions when the store is closed. */
export function closedError(): StoreError {
  return new StoreError('ERR_STORE_CLOSED', 'the store is closed')
}
