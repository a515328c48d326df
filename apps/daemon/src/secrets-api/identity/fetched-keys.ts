/**
 * Keys that an issuer publishes. Whoever shows tokens does not decide how often it is asked: at most once at a time, and,
 * for keys that are not known, once in 30 s. Nor do requests that it keeps waiting pile up, whoever sends them.
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
  /** Since a fetch began, for as long as requests wait for its end. */
  readonly patienceMs: number
} = Object.freeze({
  refreshMs: 600_000,
  goodMs: 3_600_000,
  betweenMs: 30_000,
  retryMs: 5_000,
  patienceMs: 2_000,
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
  /** The fetch that is under way: its end, or that of the patience with it. */
  #fetching: Promise<void> | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY

  constructor(options: FetchedKeysOptions) {
    this.#options = options
    this.#tell = onceForEach(options.tell)
  }

  async find(header: Members): Promise<CryptoKey | undefined> {
    const known = this.#good() ?? (await this.#fetched())
    if (this.#options.nowMs() - known.atMs >= KEY_TIMES.refreshMs) {
      void this.#fetchIfDue(KEY_TIMES.betweenMs)
    }
    const key = await known.set.find(header)
    if (key !== undefined) return key
    // The issuer may have a new key: it is asked, unless that was just done.
    await this.#wait(KEY_TIMES.betweenMs)
    const latest = this.#good()
    return latest === undefined || latest === known ? undefined : latest.set.find(header)
  }

  /** Keys that were asked for just now, where there are none. @throws KeysUnavailableError */
  async #fetched(): Promise<Known> {
    await this.#wait(KEY_TIMES.retryMs)
    const known = this.#good()
    if (known === undefined) throw new KeysUnavailableError(this.#retryAfterSeconds())
    return known
  }

  #good(): Known | undefined {
    const known = this.#known
    if (known === undefined) return undefined
    return this.#options.nowMs() - known.atMs < KEY_TIMES.goodMs ? known : undefined
  }

  /** Wait for a fetch, if one is due or under way. @throws KeysUnavailableError when it takes too long */
  async #wait(betweenMs: number): Promise<void> {
    const fetching = this.#fetchIfDue(betweenMs)
    await fetching
    if (fetching !== undefined && fetching === this.#fetching) {
      throw new KeysUnavailableError(this.#retryAfterSeconds())
    }
  }

  /** The fetch that is under way, or a new one if the last is long enough ago. */
  #fetchIfDue(betweenMs: number): Promise<void> | undefined {
    const { nowMs } = this.#options
    if (this.#fetching === undefined && nowMs() - this.#triedAtMs >= betweenMs) {
      let timer: NodeJS.Timeout | undefined
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, KEY_TIMES.patienceMs).unref()
      })
      const ended = this.#fetch().finally(() => {
        clearTimeout(timer)
        this.#fetching = undefined
      })
      this.#fetching = Promise.race([ended, patience])
    }
    return this.#fetching
  }

  /** Never rejects. */
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
