/** An updater whose object never changes: for tests. */
import { StoreError } from './errors.ts'
import type { Updater } from './updater.ts'

/**
 * An updater of a fixed object, in version 0. The object stays the caller's: closing does not end it.
 *
 * @example
 * ```ts
 * const pool = staticUpdater(fakePool)
 * ```
 */
export function staticUpdater<T>(object: T): Updater<T> {
  let closed = false
  const get = (): T => {
    if (closed) throw new StoreError('ERR_STORE_CLOSED', 'the updater is closed')
    return object
  }
  const close = async (): Promise<void> => {
    closed = true
  }
  return {
    version: 0,
    error: undefined,
    get,
    use: async (task) => task(get()),
    close,
    [Symbol.asyncDispose]: close,
  }
}
