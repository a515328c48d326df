/** The store, as users of setec's own library know it. */
import type {
  Secret,
  SecretStore,
  SecretValue,
  SourceOptions,
  StoreStats,
  WaitOptions,
} from '@secreg/store'
import type { VersionedSecret } from './versioned-secret.ts'

/** Numbers of a store, as setec's own library counts them. */
export interface SetecStoreMetrics {
  /** Polls and refreshes begun. */
  readonly pollInitiated: number
  /** Of these, those in which something failed. */
  readonly pollErrors: number
  /** Values read through handles. */
  readonly secretFetch: number
  /** When the last poll or refresh began, seconds since 1970 with a fraction; 0 before the first. */
  readonly latestPollSeconds: number
}

/** Secrets of a setec server that are read without waiting, and kept fresh. */
export interface SetecStore<Names extends string = string> extends SecretStore<Names> {
  /**
   * Single versions of a secret. Needs `allowLookup`, and a client with `info`, `getVersion` and `createVersion`.
   *
   * @throws TypeError when the store has none of these
   */
  versionedSecret(name: string): VersionedSecret
  metrics(): SetecStoreMetrics
}

/** What the facade adds to a store. */
export interface SetecStoreParts {
  readonly store: SecretStore
  readonly versioned: (name: string) => VersionedSecret
  /** Gives up requests for versions. */
  readonly end: () => void
  /** Wipes versions. */
  readonly clear: () => void
}

export class FacadeStore implements SetecStore {
  readonly #parts: SetecStoreParts
  #closing: Promise<void> | undefined

  constructor(parts: SetecStoreParts) {
    this.#parts = parts
  }

  get names(): readonly string[] {
    return this.#parts.store.names
  }

  secret(name: string): Secret {
    return this.#parts.store.secret(name) as Secret
  }

  lookup(name: string, options?: WaitOptions): Promise<Secret> {
    return this.#parts.store.lookup(name, options)
  }

  refresh(options?: WaitOptions): Promise<void> {
    return this.#parts.store.refresh(options)
  }

  change(
    name: string,
    change: (options: SourceOptions) => Promise<SecretValue>,
    options?: WaitOptions,
  ): Promise<Secret> {
    return this.#parts.store.change(name, change, options)
  }

  saveCache(): void {
    this.#parts.store.saveCache()
  }

  stats(): StoreStats {
    return this.#parts.store.stats()
  }

  metrics(): SetecStoreMetrics {
    const { polls, pollErrors, reads, latestPollMs = 0 } = this.stats()
    return {
      pollInitiated: polls,
      pollErrors,
      secretFetch: reads,
      latestPollSeconds: latestPollMs / 1000,
    }
  }

  versionedSecret(name: string): VersionedSecret {
    return this.#parts.versioned(name)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { store, end, clear } = this.#parts
    end()
    // It writes the cache, with the versions in it.
    await store.close()
    clear()
  }
}
