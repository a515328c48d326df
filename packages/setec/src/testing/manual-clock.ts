/** A clock that a test lets go on. */
import type { StoreClock } from '@secreg/store'

/** A clock for `openSetecStore({ clock })` that stands still by itself. */
export interface ManualClock extends StoreClock {
  /** Every delay that was asked for, milliseconds, in order. */
  readonly delays: readonly number[]
  /**
   * Let so many milliseconds pass, with what is due in them, in order. Requests that begin so are under way
   * afterwards: to see what comes of them, wait for it, or `await store.refresh()`.
   */
  advance(ms: number): Promise<void>
}

/** @param startMs - milliseconds since 1970; default 2024-01-01T00:00:00Z */
export function manualClock(startMs: number = Date.UTC(2024)): ManualClock {
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  const delays: number[] = []
  let nowMs = startMs
  return {
    delays,
    nowMs: () => nowMs,
    after: (delayMs, callback) => {
      const timer = { atMs: nowMs + delayMs, callback }
      delays.push(delayMs)
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: async (ms) => {
      const endMs = nowMs + ms
      for (;;) {
        await settled()
        const due = [...timers].filter(({ atMs }) => atMs <= endMs)
        const next = due.sort((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.callback()
      }
      nowMs = endMs
      await settled()
    },
  }
}

/** Let everything happen that needs no time. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
