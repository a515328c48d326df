/** Settings as a start would read them. */
import { ConfigError, formatFault, parseConfig } from '@secreg/host'
import { readSecretsSettings } from '../../src/secrets-api/read-settings.ts'
import type { SecretsApiSettings } from '../../src/secrets-api/settings.ts'
import { takeSecretsVariables } from '../../src/secrets-api/settings-variables.ts'

export type Variables = Readonly<Record<string, string>>

export const SALT = 'test-tenant-salt-0123456789abcdef'

/** Everything that a start outside of development needs, in variables. */
export const PRODUCTION: Variables = Object.freeze({
  ENVIRONMENT: 'prod',
  TENANT_ID: 'acme',
  TENANT_SALT: SALT,
})

/** @param lines - of the file, after the switch */
export async function settingsOf(
  env: Variables,
  lines = '',
): Promise<SecretsApiSettings | undefined> {
  const loaded = parseConfig(`secrets.enabled = true\n${lines}`, 'config.toml')
  return readSecretsSettings(loaded, takeSecretsVariables({ ...env }))
}

/** Faults as they are printed; none where it starts. */
export async function faultsOf(env: Variables, lines = ''): Promise<readonly string[]> {
  try {
    await settingsOf(env, lines)
    return []
  } catch (error) {
    if (!ConfigError.is(error)) throw error
    return error.faults.map(formatFault)
  }
}
