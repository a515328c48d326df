/** Timers that a test can hold in its hands. */
export interface Timers {
  /** Call once, after so many milliseconds. */
  set(callback: () => void, ms: number): unknown
  clear(timer: unknown): void
}

export const SYSTEM_TIMERS: Timers = Object.freeze({
  set: (callback: () => void, ms: number): unknown => setTimeout(callback, ms),
  clear: (timer: unknown): void => clearTimeout(timer as ReturnType<typeof setTimeout>),
})
