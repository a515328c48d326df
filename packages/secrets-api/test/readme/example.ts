import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  guardMount,
  parseAllowedMounts,
  parseSecretUri,
  readSecret,
  SecretsApiError,
  writeSecret,
} from '@secreg/secrets-api'
import { YamlProvider } from '@secreg/secrets-api/node'

const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
const provider = new YamlProvider({ path: join(folder, 'dev.yaml'), environment: 'dev' })
const mounts = parseAllowedMounts('secret, shared')

const uri = parseSecretUri('YAML://secret/env#MY_API_KEY')
guardMount(uri, mounts)
await writeSecret(provider, uri, 'abc123', { subject: 'alice', nowMs: Date.now() })

export const { canonical }: { canonical: string } = uri
export const { value } = await readSecret(provider, parseSecretUri('yaml://secret/env'))
console.log(canonical, value) // yaml://secret/env#MY_API_KEY { MY_API_KEY: 'abc123' }

export const reasons: string[] = []
for (const text of ['yaml://secret//env', 'yaml://secret/env%2Fx', 'yaml://other/env']) {
  try {
    guardMount(parseSecretUri(text), mounts)
  } catch (error) {
    if (!SecretsApiError.is(error)) throw error
    reasons.push(`${error.status} ${error.reason}`)
  }
}
console.log(reasons) // 400 ILLEGAL_SEGMENT, 400 ILLEGAL_SEGMENT, 400 TENANT_MOUNT_MISMATCH
await rm(folder, { recursive: true })
