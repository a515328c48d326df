import { setTimeout as sleep } from 'node:timers/promises'
import { Slices } from '../slices.ts'

/** A turn of the event loop that takes longer than this has others' work in it. */
const BUSY_TURN_MS = 0.1
/** While others work, so many times as long as a slice is left to them: a twentieth of the thread is taken. */
const SHARE = 19

/**
 * Slices of work that nobody waits for: on an idle thread one follows on the other, on a busy one
 * most of the time is left to those who are waited for.
 */
export class GentleSlices extends Slices {
  readonly #signal: AbortSignal
  #began: number = performance.now()

  /** @param signal - ends a pause at once, and what is left of the work is not gentle any more: it is waited for. */
  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  override async pause(): Promise<void> {
    const worked = performance.now() - this.#began
    await super.pause()
    if (this.#signal.aborted) return
    // From here to the next one is a whole turn; the first may have come in the midst of one.
    const left = performance.now()
    await super.pause()
    if (performance.now() - left > BUSY_TURN_MS) {
      await sleep(SHARE * worked, undefined, { signal: this.#signal }).catch(() => {})
      await super.pause()
    }
    this.#began = performance.now()
  }
}
