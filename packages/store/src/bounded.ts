/** Requests that end in time. */
import type { StoreClock } from './clock.ts'
import type { Ending } from './ending.ts'
import { StoreError } from './errors.ts'

/**
 * Run a request that ends at the latest when its time is up or with the ending, whether or not it listens to its
 * signal. What it answers later is dropped.
 *
 * @param timeoutMs - 0 = no limit
 */
export function bounded<T>(
  clock: StoreClock,
  timeoutMs: number,
  ending: Ending,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    ending.throwIfEnded()
    const own = new AbortController()
    const give = (reason: unknown): void => {
      settle()
      reject(reason)
      own.abort(reason)
    }
    const unlisten = ending.onEnd(give)
    const cancel =
      timeoutMs > 0
        ? clock.after(timeoutMs, () =>
            give(new StoreError('ERR_STORE_TIMEOUT', `no answer within ${timeoutMs} ms`)),
          )
        : undefined
    const settle = (): void => {
      cancel?.()
      unlisten()
    }
    // An async function, so that a source that throws instead of rejecting does no harm.
    const answer = (async () => request(own.signal))()
    answer.then(resolve, reject).finally(settle)
  })
}

/** Wait for a promise only until the signal is aborted; what is awaited goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
