/** Failures counted by key in a sliding window, with a lock after too many. Bounded. */

/** When a key is locked, and how much is remembered. */
export interface FailureRule {
  /** Failures within the window that lock. */
  readonly failures: number
  /** Milliseconds in which they count. */
  readonly windowMs: number
  /** Milliseconds that a lock lasts. */
  readonly lockMs: number
  /** Keys that are remembered. One more forgets the key whose last failure is oldest. */
  readonly maxKeys: number
}

interface Entry {
  /** Times of the failures that may still count, oldest first. */
  times: number[]
  lockedUntilMs: number
  lastMs: number
}

/** Failures of many keys under one rule. */
export class FailureTable {
  readonly #rule: FailureRule
  /** In order of the last failure. */
  readonly #entries = new Map<string, Entry>()

  constructor(rule: FailureRule) {
    for (const [name, value] of Object.entries(rule)) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new RangeError(`${name}: expected a positive integer`)
      }
    }
    this.#rule = rule
  }

  get size(): number {
    return this.#entries.size
  }

  /** Milliseconds until a key may try again; 0 when it may now. */
  waitMs(key: string, nowMs: number): number {
    return Math.max(0, (this.#entries.get(key)?.lockedUntilMs ?? 0) - nowMs)
  }

  /** Count a failure. While the key is locked it changes nothing: a lock ends when it was said to. */
  fail(key: string, nowMs: number): void {
    if (this.waitMs(key, nowMs) > 0) return
    const { failures, windowMs, lockMs, maxKeys } = this.#rule
    this.#forget(nowMs)
    const entry = this.#entries.get(key) ?? { times: [], lockedUntilMs: 0, lastMs: nowMs }
    entry.times = entry.times.filter((time) => nowMs - time < windowMs)
    entry.times.push(nowMs)
    entry.lastMs = nowMs
    if (entry.times.length >= failures) {
      entry.times = []
      entry.lockedUntilMs = nowMs + lockMs
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > maxKeys) this.#entries.delete(this.#oldest() as string)
  }

  /** Forget a key. */
  clear(key: string): void {
    this.#entries.delete(key)
  }

  #oldest(): string | undefined {
    return this.#entries.keys().next().value
  }

  /** Drop from the old end what can no longer count or lock. */
  #forget(nowMs: number): void {
    const keepMs = Math.max(this.#rule.windowMs, this.#rule.lockMs)
    for (const [key, entry] of this.#entries) {
      if (nowMs - entry.lastMs < keepMs) return
      this.#entries.delete(key)
    }
  }
}
