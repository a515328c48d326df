/** A registry, as far as a provider needs one. */
import type { RegistryApi } from '@secreg/protocol'

/** What of the registry is needed. */
export type RegistryProviderApi = Pick<
  RegistryApi,
  'get' | 'set' | 'txn' | 'versions' | 'history' | 'meta' | 'list'
>

/** The same, doing nothing more once a signal is aborted: then every method throws its reason. */
export function abortable(api: RegistryProviderApi, signal: AbortSignal): RegistryProviderApi {
  const step =
    <R, T>(call: (request: R) => Promise<T>) =>
    async (request: R): Promise<T> => {
      signal.throwIfAborted()
      return call(request)
    }
  return {
    get: step((request) => api.get(request)),
    set: step((request) => api.set(request)),
    txn: step((request) => api.txn(request)),
    versions: step((request) => api.versions(request)),
    history: step((request) => api.history(request)),
    meta: step((request) => api.meta(request)),
    list: step((request) => api.list(request)),
  }
}

/**
 * Wait for something until a signal is aborted; what is waited for goes on.
 *
 * @throws the signal's reason
 */
export async function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
