/**
 * How fast attempts to unlock may come that cost no key derivation: by share or key file, and such as lead nowhere. The
 * others are slowed by their derivation. What comes faster is refused unheard, and leaves one record a second with how
 * many there were (DESIGN §2).
 */
import { type Caller, SecregError } from '@secreg/protocol'

/** Attempts that may come at once. */
const BURST = 16
/** One more may come after each of these, milliseconds. */
const EVERY_MS = 500
/** Between two records, milliseconds. */
const RECORD_EVERY_MS = 1000

/** Attempts that were refused unheard. */
export interface Refused {
  /** Who made the last of them. */
  readonly caller: Caller
  readonly count: number
}

export class AttemptPace {
  readonly #monotonicMs: () => number
  #left = BURST
  #sinceMs: number
  #refused: Refused | undefined
  #recordedMs = Number.NEGATIVE_INFINITY

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
    this.#sinceMs = monotonicMs()
  }

  /** Whether an attempt may be looked at. */
  get isOpen(): boolean {
    const nowMs = this.#monotonicMs()
    const more = Math.floor((nowMs - this.#sinceMs) / EVERY_MS)
    if (more > 0) {
      this.#left = Math.min(BURST, this.#left + more)
      this.#sinceMs = this.#left === BURST ? nowMs : this.#sinceMs + more * EVERY_MS
    }
    return this.#left > 0
  }

  /** Count an attempt that led nowhere; false when there are too many. */
  spend(): boolean {
    if (!this.isOpen) return false
    this.#left--
    return true
  }

  /** Count one that is refused unheard. */
  refuse(caller: Caller): void {
    this.#refused = { caller, count: (this.#refused?.count ?? 0) + 1 }
  }

  /** What is to be recorded by now, if anything; it is counted anew then. */
  takeRefused(): Refused | undefined {
    const nowMs = this.#monotonicMs()
    if (this.#refused === undefined || nowMs - this.#recordedMs < RECORD_EVERY_MS) return undefined
    const refused = this.#refused
    this.#refused = undefined
    this.#recordedMs = nowMs
    return refused
  }
}

/** @throws SecregError `ERR_BUSY` */
export function tooManyAttempts(): SecregError {
  return new SecregError('BUSY', 'too many attempts to unlock; try again', { retryAfterSeconds: 1 })
}
