import type { LogClock } from '../audit-log.ts'
import type { LogCursor } from '../cursor.ts'

export interface CursorKeeperOptions {
  readonly store: (cursor: LogCursor) => Promise<void>
  readonly clock: LogClock
  /** Shortest time between the beginnings of two stores, except for the one at close. */
  readonly intervalMs: number
  /** A store failed; it is tried again after the interval. */
  readonly onFailure: (error: unknown) => void
}

/** Stores the newest of many cursors, now and then. */
export class CursorKeeper {
  readonly #options: CursorKeeperOptions
  #latest: LogCursor | undefined
  #stored: LogCursor | undefined
  #storing: Promise<void> | undefined
  #storedAtMs = Number.NEGATIVE_INFINITY
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(options: CursorKeeperOptions) {
    this.#options = options
  }

  /** All records up to `cursor` are delivered. */
  moved(cursor: LogCursor): void {
    if (this.#closed) return
    this.#latest = cursor
    this.#schedule()
  }

  /** Store what is not stored yet. Never fails; after it nothing is stored any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    await this.#storing
    if (this.#latest !== this.#stored) await this.#store()
  }

  #schedule(): void {
    if (this.#closed || this.#storing !== undefined || this.#cancelTimer !== undefined) return
    if (this.#latest === this.#stored) return
    const { clock, intervalMs } = this.#options
    const waitMs = this.#storedAtMs + intervalMs - clock.now()
    if (waitMs <= 0) {
      this.#storing = this.#store().then(() => {
        this.#storing = undefined
        this.#schedule()
      })
      return
    }
    this.#cancelTimer = clock.after(waitMs, () => {
      this.#cancelTimer = undefined
      this.#schedule()
    })
  }

  async #store(): Promise<void> {
    const cursor = this.#latest as LogCursor
    const { store, clock, onFailure } = this.#options
    this.#storedAtMs = clock.now()
    try {
      await store(cursor)
      this.#stored = cursor
    } catch (error) {
      onFailure(error)
    }
  }
}
