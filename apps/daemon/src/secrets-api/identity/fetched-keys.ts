/**
 * Keys that an issuer publishes. Whoever shows tokens does not decide how often it is asked: at most once at a time, and,
 * for keys that are not known, once in 30 s.
 */
import type { CryptoKey } from 'jose'
import type { Members } from './compact-jws.ts'
import { type KeySet, readKeySet } from './key-set.ts'
import { type KeySource, KeysUnavailableError, onceForEach, type TellKeys } from './key-source.ts'

/** Milliseconds. */
export const KEY_TIMES: {
  /** Keys of this age are fetched again, while they go on being used. */
  readonly refreshMs: number
  /** Keys of this age are not used any more. */
  readonly goodMs: number
  /** From one fetch to the next, while there are keys that are good. */
  readonly betweenMs: number
  /** From one fetch to the next, without. */
  readonly retryMs: number
} = Object.freeze({
  refreshMs: 600_000,
  goodMs: 3_600_000,
  betweenMs: 30_000,
  retryMs: 5_000,
})

export interface FetchedKeysOptions {
  /** Ask the issuer, once. @returns the parsed document. It ends by itself, within seconds */
  readonly fetch: () => Promise<unknown>
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
  readonly tell: TellKeys
}

interface Known {
  readonly set: KeySet
  readonly atMs: number
}

export class FetchedKeys implements KeySource {
  readonly #options: FetchedKeysOptions
  readonly #tell: TellKeys
  #known: Known | undefined
  #fetching: Promise<void> | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY

  constructor(options: FetchedKeysOptions) {
    this.#options = options
    this.#tell = onceForEach(options.tell)
  }

  async find(header: Members): Promise<CryptoKey | undefined> {
    let known = this.#good()
    if (known === undefined) {
      await this.#fetchIfDue(KEY_TIMES.retryMs)
      known = this.#good()
      if (known === undefined) throw new KeysUnavailableError(this.#retryAfterSeconds())
    } else if (this.#options.nowMs() - known.atMs >= KEY_TIMES.refreshMs) {
      void this.#fetchIfDue(KEY_TIMES.betweenMs)
    }
    const key = await known.set.find(header)
    if (key !== undefined) return key
    // The issuer may have a new key: it is asked, unless that was just done.
    await this.#fetchIfDue(KEY_TIMES.betweenMs)
    const latest = this.#good()
    return latest === undefined || latest === known ? undefined : latest.set.find(header)
  }

  #good(): Known | undefined {
    const known = this.#known
    if (known === undefined) return undefined
    return this.#options.nowMs() - known.atMs < KEY_TIMES.goodMs ? known : undefined
  }

  /** Wait for the fetch that is under way, or make one if the last is long enough ago. Never rejects. */
  #fetchIfDue(betweenMs: number): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching
    if (this.#options.nowMs() - this.#triedAtMs < betweenMs) return Promise.resolve()
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const { fetch, nowMs } = this.#options
    // Their age counts from when they were asked for: what the issuer withdraws meanwhile may be among them.
    const atMs = nowMs()
    this.#triedAtMs = atMs
    let document: unknown
    try {
      document = await fetch()
    } catch {
      this.#tell('unreadable')
      return
    }
    const set = readKeySet(document)
    if (set !== undefined) this.#known = { set, atMs }
    this.#tell(set === undefined ? 'malformed' : undefined)
  }

  #retryAfterSeconds(): number {
    const leftMs = this.#triedAtMs + KEY_TIMES.retryMs - this.#options.nowMs()
    return Math.max(1, Math.ceil(leftMs / 1000))
  }
}
