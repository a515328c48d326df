import { parseSecretUri, readSecret, type SecretProvider, writeSecret } from '@secreg/secrets-api'
import { VersionedMemory } from '../provider/memory-provider.ts'

export const AUTHOR = {
  subject: 'auth:account:idp:alice',
  nowMs: Date.parse('2025-01-25T12:34:56.789Z'),
}

/** A URI below the mount of all tests; of the provider with versions. */
export const uriOf = (tail: string) => parseSecretUri(`openbao+kv2://secret/${tail}`)
/** The same of the provider without versions. */
export const yamlUri = (tail: string) => parseSecretUri(`yaml://secret/${tail}`)

export const set = (provider: SecretProvider, tail: string, value: unknown) =>
  writeSecret(provider, uriOf(tail), value, AUTHOR)
export const get = async (provider: SecretProvider, tail: string) =>
  (await readSecret(provider, uriOf(tail))).value

/** The secrets of the conformance cases. */
export async function seeded(provider: VersionedMemory = new VersionedMemory()) {
  await set(provider, 'app/test', { value: 'one' })
  await set(provider, 'app/test', { value: 'two' })
  await set(provider, 'app/api', { token: 't1', user: 'u' })
  await set(provider, 'app/lc', { value: 'lost' })
  await provider.destroyVersions(uriOf('app/lc'), [1])
  await set(provider, 'app/lc', { value: 'deleted' })
  await provider.remove(uriOf('app/lc'), '2')
  await set(provider, 'app/lc', { value: 'three' })
  await set(provider, 'app/gone', { value: 'gone' })
  await provider.remove(uriOf('app/gone'), '1')
  await set(provider, 'payments/stripe', { api_key: 'sk' })
  provider.calls.length = 0
  return provider
}
