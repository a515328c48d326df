import { inspect } from 'node:util'
import { CONFIG_KEYS } from '@secreg/host'
import { createCanary } from '@secreg/testkit'
import { expect, it } from 'vitest'
import {
  KEYS_OF_VARIABLES,
  SECRETS_VARIABLES,
  takeSecretsVariables,
} from '../../src/secrets-api/settings-variables.ts'

it('takes what is secret out of the environment, and keeps it', () => {
  const env: NodeJS.ProcessEnv = Object.fromEntries(
    SECRETS_VARIABLES.map((name) => [name, createCanary()]),
  )
  env['PATH'] = '/bin'
  const before: NodeJS.ProcessEnv = { ...env }
  const variables = takeSecretsVariables(env)
  for (const name of SECRETS_VARIABLES) expect(variables.get(name)).toBe(before[name])
  for (const [name, value] of Object.entries(env)) expect(value).toBe(before[name])
  const gone = Object.keys(before).filter((name) => env[name] === undefined)
  expect(gone.sort()).toEqual([
    'AUTHZEN_PDP_TOKEN',
    'HASHICORP_ROLE_ID',
    'HASHICORP_SECRET_ID',
    'HASHICORP_TOKEN',
    'KAFKA_SASL_PASSWORD',
    'OPENBAO_ROLE_ID',
    'OPENBAO_SECRET_ID',
    'OPENBAO_TOKEN',
    'SECRET_TENANT_SALT',
    'TENANT_SALT',
    'VAULT_ROLE_ID',
    'VAULT_SECRET_ID',
    'VAULT_TOKEN',
  ])
  // A second look finds nothing, so it has to be kept.
  expect(takeSecretsVariables(env).get('VAULT_TOKEN')).toBeUndefined()
  const shown = inspect(variables, { depth: 9, showHidden: true }) + JSON.stringify(variables)
  for (const name of gone) expect(shown).not.toContain(before[name])
})

it('names keys that there are', () => {
  const known = new Set(CONFIG_KEYS.map(({ name }) => name))
  for (const key of Object.values(KEYS_OF_VARIABLES).flat()) expect(known).toContain(key)
})
