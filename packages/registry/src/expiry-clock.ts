/**
 * The clock that expiry goes by. What has expired must stay so when the wall clock is put back, across restarts too:
 * the time never falls behind its high-water mark, which is kept in the store. When the wall clock leaps ahead, readers
 * follow it at once, so nothing is read too long; what is erased waits until the leap has lasted, so that a wrong clock
 * that is soon put right costs no data.
 */

/** A leap is an advance of the wall clock beyond that of the monotonic one by more than this, milliseconds. */
const LEAP_MS = 60_000
/** A leap is believed once it has lasted so long, milliseconds. */
const BELIEF_MS = 600_000

export interface ExpiryClockOptions {
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number
  readonly monotonicMs: () => number
  /** High-water mark of the process before; default none. */
  readonly highWaterMs?: number
}

export class ExpiryClock {
  readonly #wallMs: () => number
  readonly #monotonicMs: () => number
  /** Last believed time, and the monotonic time then. */
  #markMs: number
  #markedAt: number
  /** Monotonic time at which a leap was first seen. */
  #leapSince: number | undefined

  constructor(options: ExpiryClockOptions) {
    this.#wallMs = options.wallMs
    this.#monotonicMs = options.monotonicMs
    const wall = options.wallMs()
    this.#markMs = Math.max(options.highWaterMs ?? wall, wall)
    this.#markedAt = options.monotonicMs()
  }

  /** Time that readers go by, milliseconds since the epoch. */
  now(): number {
    return Math.max(this.#wallMs(), this.#elapsed())
  }

  /** Time that erasing goes by: not ahead of a leap that has not lasted. */
  believed(): number {
    const wall = this.#wallMs()
    const elapsed = this.#elapsed()
    const monotonic = this.#monotonicMs()
    if (wall - elapsed > LEAP_MS) {
      this.#leapSince ??= monotonic
      if (monotonic - this.#leapSince < BELIEF_MS) return elapsed
    }
    this.#leapSince = undefined
    this.#markMs = Math.max(wall, elapsed)
    this.#markedAt = monotonic
    return this.#markMs
  }

  /** Take over a mark that the store turns out to have. */
  raise(highWaterMs: number): void {
    if (highWaterMs <= this.#elapsed()) return
    this.#markMs = highWaterMs
    this.#markedAt = this.#monotonicMs()
  }

  /** The mark, carried on by the monotonic clock. */
  #elapsed(): number {
    return Math.floor(this.#markMs + (this.#monotonicMs() - this.#markedAt))
  }
}
