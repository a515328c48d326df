/** The store, as its user sees it. */
import type { Secret } from './secret.ts'
import type { SecretValue, SourceOptions } from './source.ts'

/** Options of a call that waits. */
export interface WaitOptions {
  /** Stops waiting; what is under way goes on. */
  readonly signal?: AbortSignal
}

/** What a store has done so far, for metrics. */
export interface StoreStats {
  /** Polls and refreshes begun. */
  readonly polls: number
  /** Of these, those in which something failed. */
  readonly pollErrors: number
  /** Values read through handles. */
  readonly reads: number
  /** When the last poll or refresh began, milliseconds since 1970; `undefined` before the first. */
  readonly latestPollMs: number | undefined
}

/** Secrets that are read without waiting, and kept fresh. */
export interface SecretStore<Names extends string = string> extends AsyncDisposable {
  /** Names that have a value, sorted. */
  readonly names: readonly string[]
  /**
   * The handle of a secret, at once. With lookups on, `undefined` for a name that has no value here yet.
   *
   * @throws TypeError for a name that is not declared, with lookups off; StoreError `ERR_STORE_CLOSED`
   */
  secret<Name extends string>(
    name: Name,
  ): string extends Names ? Secret | undefined : Name extends Names ? Secret : Secret | undefined
  /**
   * The handle of any secret, which is fetched first, once, if it is not here. Calls for one name share one request.
   *
   * @throws what the source throws; TypeError when it is not here and lookups are off; StoreError `ERR_STORE_TIMEOUT`
   *   after 5 minutes or when the request takes too long, `ERR_STORE_FULL`, `ERR_STORE_CLOSED`
   */
  lookup(name: string, options?: WaitOptions): Promise<Secret>
  /**
   * Ask for every secret now. Afterwards each value is at least as new as the call. Calls at the same time share
   * their requests.
   *
   * @throws StoreError `ERR_STORE_REFRESH` with the names that failed, which keep their values; `ERR_STORE_CLOSED`
   */
  refresh(options?: WaitOptions): Promise<void>
  /**
   * Change a secret at its source, and hold what it is then: for a program that writes what it reads. The change is
   * made while no other request of this store for the secret is under way, so that no older answer comes after it;
   * when it fails, the secret is asked for again, because nobody knows what came of it. A name that is not here is
   * added as by a lookup.
   *
   * @param change - makes it, and answers the value that is active then
   * @throws what the change throws; otherwise as {@link SecretStore.lookup}
   */
  change(
    name: string,
    change: (options: SourceOptions) => Promise<SecretValue>,
    options?: WaitOptions,
  ): Promise<Secret>
  /** Have the cache written soon; it is by itself when a value has changed. */
  saveCache(): void
  stats(): StoreStats
  /**
   * Stop, write the cache, wipe the values. Handles throw afterwards. Calling it again is harmless.
   */
  close(): Promise<void>
}
