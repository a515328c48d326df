import { readFileSync } from 'node:fs'
import { compile, PolicyError } from '@secreg/policy-engine'
import { type JsonObject, parsePolicyText } from '@secreg/policy-text'
import { describe, expect, it } from 'vitest'

const VECTORS = readFileSync(new URL('vectors/vault-policies.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { hcl: string; json: unknown })

/** A document of the engine with one policy of Vault. */
function documentOf(policy: unknown): unknown {
  const policies = [{ name: 'ci', ...(policy as JsonObject) }]
  const principals = ['group:ci']
  return {
    id: 'ci',
    source: 'vault',
    principals,
    mount: '/kv/secret',
    apiMount: 'secret',
    policies,
  }
}

describe('policies of Vault', () => {
  it.each(VECTORS)('$hcl', ({ hcl, json }) => {
    const { document } = parsePolicyText(hcl, { format: 'hcl' })
    expect(document).toEqual(json)
    expect(() => compile([documentOf(document)])).not.toThrow()
  })

  it('are all there', () => {
    expect(VECTORS).toHaveLength(28)
  })

  it.each<[string, string]>([
    ['path "secret/data/a" {\n  capabilities = ["read",\n    "reed"]\n}', '3:5'],
    ['path "secret/data/a" { capabilities = [] }\npath "secret/+*" { capabilities = [] }', '2:6'],
    ['path "secret/data/a" {\n  capabilites = ["read"]\n}', '2:3'],
    ['path "a" "b" { capabilities = ["read"] }', '1:10'],
    ['name = "ci"\nid = "x"', '2:1'],
  ])('have the place of what the engine refuses: %s', (hcl, expected) => {
    const { document, locate } = parsePolicyText(hcl, { format: 'hcl' })
    try {
      compile([documentOf(document)])
    } catch (error) {
      if (!PolicyError.is(error)) throw error
      const prefix = '/policies/0'
      expect(error.pointer.startsWith(prefix)).toBe(true)
      const { line, column } = locate(error.pointer.slice(prefix.length))
      expect(`${line}:${column}`).toBe(expected)
      return
    }
    expect.unreachable()
  })
})
