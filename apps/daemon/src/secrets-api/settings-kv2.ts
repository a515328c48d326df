/** The servers of KV version 2 in the settings (specs: secrets-api §5.5). */
import type { Kv2Login, Kv2Settings, SecretsApiSettings } from './settings.ts'
import type { SettingsReader } from './settings-reader.ts'
import type { SecretsVariable } from './settings-variables.ts'

type Name = 'openbao' | 'hashicorp'

const NAMES: readonly Name[] = ['openbao', 'hashicorp']
const VARIABLES = {
  openbao: { token: 'OPENBAO_TOKEN', roleId: 'OPENBAO_ROLE_ID', secretId: 'OPENBAO_SECRET_ID' },
  hashicorp: {
    token: 'HASHICORP_TOKEN',
    roleId: 'HASHICORP_ROLE_ID',
    secretId: 'HASHICORP_SECRET_ID',
  },
} as const satisfies Record<Name, Record<string, SecretsVariable>>

/** What a server can be logged in to with, as far as it is given. */
interface Given {
  readonly token: string | undefined
  readonly roleId: string | undefined
  readonly secretId: string | undefined
}

/** Those that are set up. */
export async function kv2Settings(reader: SettingsReader): Promise<Pick<SecretsApiSettings, Name>> {
  const shared: Given = {
    token: reader.tokenOf('VAULT_TOKEN'),
    roleId: reader.secretOf('VAULT_ROLE_ID'),
    secretId: reader.secretOf('VAULT_SECRET_ID'),
  }
  const openbao = await serverOf('openbao', reader, shared)
  const hashicorp = await serverOf('hashicorp', reader, shared)
  const asked = NAMES.filter((name) => reader.nameOf(`secrets.${name}.url`) === 'VAULT_URL')
  // One of both may have a login of its own, and the other is then none.
  if (asked.length > 0 && openbao === undefined && hashicorp === undefined) {
    const message = 'expected VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, with it'
    reader.faultOf(['VAULT_URL'], message)
  }
  return { openbao, hashicorp }
}

async function serverOf(
  name: Name,
  reader: SettingsReader,
  shared: Given,
): Promise<Kv2Settings | undefined> {
  const config = reader.secrets[name]
  const key = (last: string): string => `secrets.${name}.${last}`
  const variables = VARIABLES[name]
  const own: Given = {
    token:
      reader.tokenOf(variables.token) ??
      (await reader.tokenIn(config.tokenFile, key('token_file'))),
    roleId: config.roleId,
    secretId:
      reader.secretOf(variables.secretId) ??
      (await reader.secretIn(config.secretIdFile, key('secret_id_file'))),
  }
  const ca = await reader.certificatesIn(config.caFile, key('ca_file'))
  reader.refuse(!config.verifyTls, key('verify_tls'), 'true')
  reader.refusePlain(config.url, key('url'))
  const hasOwn = Object.values(own).some((part) => part !== undefined)
  if (config.url === undefined) {
    if (hasOwn)
      reader.fault(key('url'), `expected it, or ${urlVariable(name)}, with a login for it`)
    return undefined
  }
  const auth = loginOf(own, shared)
  if (auth === undefined) {
    if (hasOwn || reader.nameOf(key('url')) !== 'VAULT_URL') {
      const { token, roleId, secretId } = variables
      const files = `${key('token_file')}, or ${key('role_id')} and ${key('secret_id_file')}`
      reader.fault(
        key('url'),
        `expected a login with it: ${token}, or ${roleId} and ${secretId}, or ${files}`,
      )
    }
    return undefined
  }
  return {
    url: config.url,
    auth,
    namespace: config.namespace,
    ca,
    verifyTls: config.verifyTls,
    timeoutMs: config.timeoutSeconds * 1000,
    poolSize: config.poolSize,
    maxConcurrent: config.maxConcurrent,
    renewalThresholdSeconds: config.renewalThresholdSeconds,
    redirectHosts: config.redirectHosts,
  }
}

/**
 * A token wins. What is shared counts where a server has no login of its own at all: a credential that was meant for
 * another server is not sent to it.
 */
function loginOf(own: Given, shared: Given): Kv2Login | undefined {
  if (own.token !== undefined) return { token: own.token }
  if (own.roleId === undefined && own.secretId === undefined) {
    if (shared.token !== undefined) return { token: shared.token }
  }
  const roleId = own.roleId ?? shared.roleId
  const secretId = own.secretId ?? shared.secretId
  return roleId === undefined || secretId === undefined ? undefined : { roleId, secretId }
}

function urlVariable(name: Name): string {
  return `${name.toUpperCase()}_URL`
}
