/** Time as the client sees it, so that a test can be the one who lets it pass. */
import type { Closing } from './closing.ts'
import { Kv2Error } from './errors.ts'

/** A steady clock, and timers. */
export interface Kv2Clock {
  /** Milliseconds since any fixed point; never goes back. */
  nowMs(): number
  /**
   * Call back once, after so many milliseconds.
   *
   * @returns takes it back; harmless afterwards
   */
  after(delayMs: number, callback: () => void): () => void
}

/** The clock of the platform. */
export const systemClock: Kv2Clock = Object.freeze<Kv2Clock>({
  nowMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
})

/** Wait; rejected with the reason of the signal when that is aborted. */
export function pause(clock: Kv2Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      cancel()
      reject(signal.reason)
    }
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** What ends a task before it is done. */
export interface Ends {
  readonly timeoutMs: number
  /** The error of the timeout. */
  readonly late: () => unknown
  readonly closing: Closing
  /** Of the caller; its reason is the error. */
  readonly signal?: AbortSignal | undefined
}

/** Run a task that ends with the first of its ends at the latest, whether or not it listens to the signal it is given. */
export function within<T>(
  clock: Kv2Clock,
  { timeoutMs, late, closing, signal }: Ends,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    if (closing.isClosed) {
      reject(new Kv2Error('ERR_KV2_CLOSED'))
      return
    }
    const own = new AbortController()
    const end = (error: unknown): void => {
      settle()
      reject(error)
      own.abort(error)
    }
    const onAbort = (): void => end(signal?.reason)
    const cancel = clock.after(timeoutMs, () => end(late()))
    const unlisten = closing.onClose(end)
    const settle = (): void => {
      cancel()
      unlisten()
      signal?.removeEventListener('abort', onAbort)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    // An async function, so that a task that throws instead of rejecting does no harm.
    const running = (async () => task(own.signal))()
    running.then(resolve, reject).finally(settle)
  })
}
