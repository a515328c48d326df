/** A clock that stands until it is told to go on. */
import type { Kv2Clock } from '@secreg/kv2'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

export class ManualClock implements Kv2Clock {
  #nowMs = 1_000_000
  readonly #timers = new Set<Timer>()

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that were set and not taken back. */
  get pending(): number {
    return this.#timers.size
  }

  advance(milliseconds: number): void {
    const end = this.#nowMs + milliseconds
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= end)
      const next = due.sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#timers.delete(next)
      next.callback()
    }
    this.#nowMs = end
  }

  /** Let time pass, bit by bit, until something is settled. */
  async until<T>(promise: Promise<T>, stepMs = 10): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    promise.then(settle, settle)
    await turn()
    while (!settled) {
      this.advance(stepMs)
      await turn()
    }
    return promise
  }
}

/** Let everything that is ready run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
