/** Requests that end in time. */

/** What has ended a request: its time, or the caller. */
export type End = 'timeout' | 'aborted'

/**
 * Run a task that ends at the latest after so many milliseconds or when the signal is aborted, whether or not it
 * listens to the signal that it is given.
 *
 * @param timeoutMs - 0 = no limit
 * @param failure - the error of an end
 */
export function within<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  failure: (end: End) => unknown,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const own = new AbortController()
    const end = (how: End): void => {
      settle()
      const error = failure(how)
      reject(error)
      own.abort(error)
    }
    const onAbort = (): void => end('aborted')
    const timer = timeoutMs > 0 ? setTimeout(() => end('timeout'), timeoutMs) : undefined
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    if (signal?.aborted) {
      onAbort()
      return
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    // An async function, so that a task that throws instead of rejecting does no harm.
    const running = (async () => task(own.signal))()
    running.then(resolve, reject).finally(settle)
  })
}
