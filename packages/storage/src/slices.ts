/** Work in steps, so that it need not hold the main thread for its whole length (DESIGN §9). */
import { setImmediate } from 'node:timers/promises'

export type Steps<T> = Generator<undefined, T, undefined>

/** Longest stretch between two turns of the event loop, if no single step is longer. */
const SLICE_MS = 3

/** Operations from which a batch is worked on in slices; smaller ones are faster at once. */
export const SLICED_OPS = 512

/** Small pieces of work that are one step together: a step has its price. */
export const STEP_ITEMS = 16

/** Bytes that one step copies or checks. */
export const STEP_BYTES: number = 256 * 1024

/** Run to the end without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Run to the end with turns of the event loop in between. */
export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const until = performance.now() + SLICE_MS
    do {
      const step = steps.next()
      if (step.done === true) return step.value
    } while (performance.now() < until)
    await setImmediate()
  }
}

/** Gives the event loop its turns in work that is made of many short waits. */
export class Pace {
  #until: number = performance.now() + SLICE_MS

  /** Whether the work has lasted long enough; then wait for {@link turn}. */
  get isDue(): boolean {
    return performance.now() >= this.#until
  }

  async turn(): Promise<void> {
    await setImmediate()
    this.#until = performance.now() + SLICE_MS
  }
}
