/** Turns of the event loop that many tasks share: together they take one slice of each. */
import { SLICE_MS } from '../slices.ts'

export class Pace {
  #until = 0
  #next: Promise<void> | undefined

  /** Whether a task must wait for {@link next} before it does anything more. */
  get isSpent(): boolean {
    return performance.now() >= this.#until
  }

  next(): Promise<void> {
    this.#next ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#until = performance.now() + SLICE_MS
        this.#next = undefined
        resolve()
      }),
    )
    return this.#next
  }
}
