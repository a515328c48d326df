import { createSecretsClient, SecretsClientError } from '@secreg/secrets-api/client'

/** Give an application another token; two that do so at once do not undo each other. */
export async function renew(url: string, getToken: () => Promise<string>, fresh: string) {
  const client = createSecretsClient({ url, getToken, readRetries: 2 })
  const uri = 'openbao+kv2://secret/app/api#token'
  const { version } = await client.value(uri)
  try {
    await client.write(uri, fresh, { cas: version ?? 0 })
    return 'renewed'
  } catch (error) {
    if (SecretsClientError.is(error, 'CAS_MISMATCH')) return 'somebody else was faster'
    throw error
  }
}
