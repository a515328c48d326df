/** How long providers take (specs: secrets-api §4.7). */
import type { Meter } from '../enforcement/metrics.ts'
import type { SecretProvider } from '../provider/provider.ts'
import type { SecretProviderName } from '../uri/secret-uri.ts'

type Op = Exclude<keyof SecretProvider, 'name' | 'capabilities'>

/**
 * The same provider, each call of which is measured, however it ends.
 *
 * @param name - of the scheme it was asked for by
 * @param nowMs - monotonic clock, milliseconds
 */
export function measuredProvider(
  provider: SecretProvider,
  name: SecretProviderName,
  meter: Meter,
  nowMs: () => number,
): SecretProvider {
  async function measured<T>(op: Op, call: () => Promise<T>): Promise<T> {
    const startMs = nowMs()
    try {
      return await call()
    } finally {
      const seconds = (nowMs() - startMs) / 1000
      meter.record('provider_request_latency_seconds', { provider: name, op }, seconds)
    }
  }
  return {
    name: provider.name,
    capabilities: provider.capabilities,
    read: (...args) => measured('read', () => provider.read(...args)),
    readVersion: (...args) => measured('readVersion', () => provider.readVersion(...args)),
    write: (...args) => measured('write', () => provider.write(...args)),
    remove: (...args) => measured('remove', () => provider.remove(...args)),
    destroy: (...args) => measured('destroy', () => provider.destroy(...args)),
    undelete: (...args) => measured('undelete', () => provider.undelete(...args)),
    destroyVersions: (...args) =>
      measured('destroyVersions', () => provider.destroyVersions(...args)),
    metadata: (...args) => measured('metadata', () => provider.metadata(...args)),
    patchMetadata: (...args) => measured('patchMetadata', () => provider.patchMetadata(...args)),
    list: (...args) => measured('list', () => provider.list(...args)),
    entries: (...args) => measured('entries', () => provider.entries(...args)),
  }
}
