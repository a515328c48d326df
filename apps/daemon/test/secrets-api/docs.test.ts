/** docs/secrets-api.md names every setting, and its configurations are good ones. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CONFIG_KEYS, parseConfig, SECRETS_ISSUER_KEYS, SECRETS_TENANT_KEYS } from '@secreg/host'
import { PURPOSE_ACTIONS } from '@secreg/policy-engine/authzen'
import { expect, test } from 'vitest'
import { KEYS_OF_VARIABLES, SECRETS_VARIABLES } from '../../src/secrets-api/settings-variables.ts'

const text = readFileSync(
  fileURLToPath(new URL('../../../../docs/secrets-api.md', import.meta.url)),
  'utf8',
)
const table = /<!-- settings: begin -->\n([\s\S]*)<!-- settings: end -->/.exec(text)?.[1] ?? ''
const rows = table
  .trim()
  .split('\n')
  .slice(2)
  .map((line) => {
    const [, key = '', variables = ''] = line.split('|')
    return {
      key: /`(.+?)`/.exec(key)?.[1],
      variables: [...variables.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
    }
  })

test('the table has every key, in the order of the keys, and every variable', () => {
  const keys = [...CONFIG_KEYS.filter(({ name }) => name.startsWith('secrets.'))]
  const named = [...keys, ...SECRETS_TENANT_KEYS, ...SECRETS_ISSUER_KEYS].map(({ name }) => name)
  const told = rows.map(({ key }) => key).filter((key) => key?.startsWith('secrets.'))
  expect(told).toEqual(named)
  const variables = new Set(rows.flatMap((row) => row.variables))
  expect([...variables].sort()).toEqual([...SECRETS_VARIABLES].sort())
})

test('the table has each variable beside the keys that it stands for', () => {
  for (const [variable, keys] of Object.entries(KEYS_OF_VARIABLES)) {
    const beside = rows.filter((row) => row.variables.includes(variable)).map(({ key }) => key)
    expect(beside).toEqual(keys)
  }
})

test('every configuration in it is a good one', () => {
  const pieces = [...text.matchAll(/```toml\n(\[[\s\S]*?)```/g)].map(([, piece = '']) => piece)
  expect(pieces).toHaveLength(2)
  for (const piece of pieces) parseConfig(piece, 'docs/secrets-api.md')
})

test('the table of purposes is that of the policy engine', () => {
  const told = [...text.matchAll(/^\| .* \| `([a-z_]+)` \| ((?:`[a-z-]+`(?:, )?)+) \|$/gm)]
  const actions = told.map(([, purpose, list = '']) => [purpose, list.replaceAll('`', '')])
  const expected = Object.entries(PURPOSE_ACTIONS).map(([name, all]) => [name, all.join(', ')])
  expect(actions.sort()).toEqual(expected.sort())
})
