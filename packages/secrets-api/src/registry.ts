/** @secreg/secrets-api/registry: a registry as a provider of secrets. */
export type { RegistryProviderApi } from './registry/provider-api.ts'
export { registryProvider } from './registry/registry-provider.ts'
