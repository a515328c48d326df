/** The policy of docs/secrets-api.md says what the page says of it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile, type PolicyDocument } from '@secreg/policy-engine'
import { parsePolicyText } from '@secreg/policy-text'
import { expect, test } from 'vitest'

const page = fileURLToPath(new URL('../../../docs/secrets-api.md', import.meta.url))
const piece = /```toml\n(# api\.toml[\s\S]*?)```/.exec(readFileSync(page, 'utf8'))?.[1] ?? ''

test.each([
  ['alice', 'openbao+kv2://secret/app/api', 'execute', {}, 'allow'],
  ['alice', 'openbao+kv2://secret/app/api', 'read', {}, 'deny'],
  ['alice', 'openbao+kv2://secret/app/api/deeper', 'execute', {}, 'deny'],
  ['alice', 'hashicorp+kv2://secret/app/api', 'execute', {}, 'deny'],
  ['bob', 'hashicorp+kv2://secret/x/y', 'read', { owner: 'auth:account:idp:bob' }, 'allow'],
  ['bob', 'hashicorp+kv2://secret/x', 'read', { owner: 'auth:account:idp:alice' }, 'deny'],
  ['bob', 'hashicorp+kv2://secret/x', 'read', {}, 'deny'],
  ['bob', '/secret/x', 'read', { owner: 'auth:account:idp:bob' }, 'deny'],
])('%s, %s, %s, %j: %s', (who, resource, purpose, metadata, expected) => {
  const { document } = parsePolicyText(piece, { format: 'toml' })
  const { decision } = compile([document as unknown as PolicyDocument]).decide({
    subject: [`account:auth:account:idp:${who}`, '*'],
    action: 'read',
    resource,
    context: { purpose, metadata },
  })
  expect(decision).toBe(expected)
})
