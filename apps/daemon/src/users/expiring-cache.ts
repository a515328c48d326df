/** Answers that are good for a while: what was found longer than what was not, and never more than so many. */

export interface ExpiringCacheOptions {
  /** Answers that are kept; the one that was taken first goes. */
  readonly maxEntries: number
  /** How long an answer is good, milliseconds. */
  readonly foundMs: number
  /** The same of `undefined`. */
  readonly absentMs: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

interface Entry<V> {
  readonly value: V | undefined
  readonly untilMs: number
}

export class ExpiringCache<K, V> {
  readonly #options: ExpiringCacheOptions
  readonly #entries = new Map<K, Entry<V>>()

  constructor(options: ExpiringCacheOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** The answer that is known; undefined when none is, or not any more. */
  get(key: K): { readonly value: V | undefined } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (this.#options.now() < entry.untilMs) return entry
    this.#entries.delete(key)
    return undefined
  }

  set(key: K, value: V | undefined): void {
    const { maxEntries, foundMs, absentMs, now } = this.#options
    this.#entries.delete(key)
    if (this.#entries.size >= maxEntries) {
      const [first] = this.#entries.keys()
      if (first !== undefined) this.#entries.delete(first)
    }
    this.#entries.set(key, { value, untilMs: now() + (value === undefined ? absentMs : foundMs) })
  }
}
