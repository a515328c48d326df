/** Work that ends in time, and pauses. */

/**
 * Run a task that ends at the latest after so many milliseconds or when the signal is aborted, whether or not it
 * listens to the signal that it is given.
 *
 * @param failure - makes the error of an end by time; that of an abort is the signal's reason
 */
export function within<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  failure: () => unknown,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const own = new AbortController()
    const end = (error: unknown): void => {
      settle()
      reject(error)
      own.abort(error)
    }
    const onAbort = (): void => end(signal?.reason)
    const timer = setTimeout(() => end(failure()), timeoutMs)
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

/** Wait. Rejected with the reason of the signal. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
