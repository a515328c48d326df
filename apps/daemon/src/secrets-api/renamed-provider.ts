/** One provider under another name. */
import type { SecretProvider, SecretProviderName } from '@secreg/secrets-api'

/** The same, also its order of changes, by another name. */
export function renamedProvider(
  provider: SecretProvider,
  name: SecretProviderName,
): SecretProvider {
  return {
    name,
    capabilities: provider.capabilities,
    read: (...call) => provider.read(...call),
    readVersion: (...call) => provider.readVersion(...call),
    write: (...call) => provider.write(...call),
    remove: (...call) => provider.remove(...call),
    destroy: (...call) => provider.destroy(...call),
    undelete: (...call) => provider.undelete(...call),
    destroyVersions: (...call) => provider.destroyVersions(...call),
    metadata: (...call) => provider.metadata(...call),
    patchMetadata: (...call) => provider.patchMetadata(...call),
    list: (...call) => provider.list(...call),
    entries: (...call) => provider.entries(...call),
  }
}
