/** Turns of the event loop during long work, so that no stretch of it is long (DESIGN §9). */

/** Longest stretch between two turns, if no single step is longer. */
const SLICE_MS = 3

declare const setImmediate: ((resume: () => void) => unknown) | undefined

/** Make a function to await between steps: it takes a turn when the last one is long enough ago. */
export function createTurns(): () => Promise<void> {
  let until = performance.now() + SLICE_MS
  return async () => {
    if (performance.now() < until) return
    await new Promise<void>((resume) => {
      if (typeof setImmediate === 'function') setImmediate(resume)
      else setTimeout(resume, 0)
    })
    until = performance.now() + SLICE_MS
  }
}
