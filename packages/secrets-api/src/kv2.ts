/** @secreg/secrets-api/kv2: servers of KV version 2, OpenBao and Vault, as providers. */
export type { Kv2ProviderClient, Kv2ProviderOptions } from './kv2/kv2-provider.ts'
export { kv2Provider } from './kv2/kv2-provider.ts'
