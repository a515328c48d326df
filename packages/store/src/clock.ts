/** Time as the store sees it, so that a test can be the one who lets it pass. */

import type { Ending } from './ending.ts'

/** Longest delay that every platform's timer keeps, milliseconds (setTimeout takes 32 signed bits). */
export const MAX_DELAY_MS: number = 2 ** 31 - 1

/** Wall clock and timers. */
export interface StoreClock {
  /** Milliseconds since 1970. */
  nowMs(): number
  /**
   * Call back once, after so many milliseconds.
   *
   * @param background - nobody waits for it: it must not keep the process alive
   * @returns takes it back; harmless afterwards
   */
  after(delayMs: number, callback: () => void, background?: boolean): () => void
}

/** The clock of the platform. */
export const systemClock: StoreClock = Object.freeze<StoreClock>({
  nowMs: () => Date.now(),
  after(delayMs, callback, background = false) {
    const timer: unknown = setTimeout(callback, delayMs)
    if (background) (timer as { unref?: () => void }).unref?.()
    return () => clearTimeout(timer as Parameters<typeof clearTimeout>[0])
  },
})

/** Wait; no longer, without an error, than until the ending. */
export function pause(
  clock: StoreClock,
  delayMs: number,
  ending: Ending,
  background?: boolean,
): Promise<void> {
  return new Promise((resolve) => {
    if (ending.ended) {
      resolve()
      return
    }
    const unlisten = ending.onEnd(() => {
      cancel()
      resolve()
    })
    const cancel = clock.after(
      delayMs,
      () => {
        unlisten()
        resolve()
      },
      background,
    )
  })
}
