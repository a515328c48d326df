/** A circuit breaker: after failures in a row nothing is sent for a while, and then one call tries. */
import type { Kv2Clock } from './clock.ts'

/** Closed: calls go through. Open: none does. Half-open: one does. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** What a call that was let through tells of the server. */
export type CircuitVerdict = 'alive' | 'failed' | 'unknown'

/** When the circuit opens and closes. */
export interface CircuitOptions {
  /** Failed calls in a row after which it opens, 1 or more. Default 5. */
  readonly failures?: number
  /** Milliseconds until one call may try. Default 30,000. */
  readonly openMs?: number
}

export class Circuit {
  readonly #failures: number
  readonly #openMs: number
  readonly #clock: Kv2Clock
  readonly #changed: (state: CircuitState) => void
  #state: CircuitState = 'closed'
  #failed = 0
  #openedAtMs = 0
  #probing = false

  constructor(
    options: Required<CircuitOptions>,
    clock: Kv2Clock,
    changed: (state: CircuitState) => void,
  ) {
    this.#failures = options.failures
    this.#openMs = options.openMs
    this.#clock = clock
    this.#changed = changed
  }

  get state(): CircuitState {
    return this.#state
  }

  /**
   * Let a call through.
   *
   * @returns takes its verdict, once; undefined: nothing may be sent
   */
  enter(): ((verdict: CircuitVerdict) => void) | undefined {
    if (this.#state === 'open' && this.#clock.nowMs() - this.#openedAtMs >= this.#openMs) {
      this.#become('half-open')
    }
    if (this.#state === 'closed') return (verdict) => this.#count(verdict)
    if (this.#state === 'open' || this.#probing) return undefined
    this.#probing = true
    return (verdict) => this.#probed(verdict)
  }

  /** Calls that were let through before it opened change nothing any more. */
  #count(verdict: CircuitVerdict): void {
    if (this.#state !== 'closed') return
    if (verdict === 'alive') this.#failed = 0
    if (verdict === 'failed' && ++this.#failed >= this.#failures) this.#open()
  }

  #probed(verdict: CircuitVerdict): void {
    this.#probing = false
    if (verdict === 'failed') this.#open()
    if (verdict === 'alive') {
      this.#failed = 0
      this.#become('closed')
    }
  }

  #open(): void {
    this.#openedAtMs = this.#clock.nowMs()
    this.#become('open')
  }

  #become(state: CircuitState): void {
    this.#state = state
    this.#changed(state)
  }
}
