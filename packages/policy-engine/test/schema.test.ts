import { readFileSync } from 'node:fs'
import { ACTIONS, compile, type JsonSchema, POLICY_SCHEMA } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { documentsOf, rules } from './arbitrary.ts'
import { foreign } from './sources/arbitrary-foreign.ts'

/** As much of JSON Schema as the schema uses; an unknown keyword is a failure of the test. */
function valid(schema: JsonSchema, value: unknown): boolean {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value)
  const members = object ? (value as Record<string, unknown>) : {}
  const items: unknown[] = Array.isArray(value) ? value : []
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>
  return Object.entries(schema).every(([keyword, operand]) => {
    switch (keyword) {
      case '$schema':
      case 'title':
      case 'then':
        return true
      case 'type':
        if (operand === 'object') return object
        if (operand === 'null') return value === null
        if (operand === 'array') return Array.isArray(value)
        return operand === 'integer' ? Number.isInteger(value) : typeof value === operand
      case 'const':
        return value === operand
      case 'enum':
        return (operand as unknown[]).includes(value)
      case 'pattern':
        return typeof value !== 'string' || new RegExp(operand as string, 'u').test(value)
      case 'minLength':
        return typeof value !== 'string' || value.length >= (operand as number)
      case 'maxLength':
        return typeof value !== 'string' || value.length <= (operand as number)
      case 'minimum':
        return typeof value !== 'number' || value >= (operand as number)
      case 'maximum':
        return typeof value !== 'number' || value <= (operand as number)
      case 'minItems':
        return !Array.isArray(value) || value.length >= (operand as number)
      case 'items':
        return items.every((item) => valid(operand as JsonSchema, item))
      case 'minProperties':
        return !object || Object.keys(members).length >= (operand as number)
      case 'required':
        return !object || (operand as string[]).every((name) => Object.hasOwn(members, name))
      case 'properties':
        return Object.entries(properties).every(
          ([name, inner]) => !Object.hasOwn(members, name) || valid(inner, members[name]),
        )
      case 'additionalProperties':
        return Object.entries(members)
          .filter(([name]) => !Object.hasOwn(properties, name))
          .every(([, inner]) => operand !== false && valid(operand as JsonSchema, inner))
      case 'oneOf':
        return (operand as JsonSchema[]).filter((inner) => valid(inner, value)).length === 1
      case 'anyOf':
        return (operand as JsonSchema[]).some((inner) => valid(inner, value))
      case 'not':
        return !valid(operand as JsonSchema, value)
      case 'if':
        return !valid(operand as JsonSchema, value) || valid(schema['then'] as JsonSchema, value)
      default:
        throw new Error(`unknown keyword ${keyword}`)
    }
  })
}

const RULE = {
  id: 'r',
  effect: 'allow',
  principals: ['*'],
  actions: ['read'],
  resources: ['/a'],
}
const documentOf = (change: object): object => ({ id: 'p', rules: [{ ...RULE, ...change }] })

function compiles(document: unknown): boolean {
  try {
    compile([document])
    return true
  } catch {
    return false
  }
}

describe('POLICY_SCHEMA', () => {
  test('accepts every document that compiles', () => {
    fc.assert(
      fc.property(rules, (list) => {
        for (const document of documentsOf(list)) expect(valid(POLICY_SCHEMA, document)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('accepts every foreign document that compiles', () => {
    fc.assert(
      fc.property(foreign, (list) => {
        for (const document of list) {
          expect([valid(POLICY_SCHEMA, document), compiles(document)]).toEqual([true, true])
        }
      }),
      { numRuns: 200 },
    )
  })

  test('is the file that is published', () => {
    const file = new URL('../policy.schema.json', import.meta.url)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(POLICY_SCHEMA)
  })

  test.each<[object]>([
    [{ effect: 'permit' }],
    [{ extra: 1 }],
    [{ id: 'a b' }],
    [{ principals: [] }],
    [{ principals: ['alice'] }],
    [{ actions: ['write'] }],
    [{ when: {} }],
    [{ when: { mfa: 1 } }],
    [{ when: { proof: ['x'] } }],
    [{ when: { time: { from: '9:00', to: '10:00' } } }],
    [{ when: { metadata: {} } }],
    [{ obligations: {} }],
    [{ obligations: { maxUses: 0 } }],
    [{ effect: 'deny', obligations: { maxUses: 1 } }],
  ])('refuses what compile refuses: %j', (change) => {
    expect([valid(POLICY_SCHEMA, documentOf(change)), compiles(documentOf(change))]).toEqual([
      false,
      false,
    ])
  })

  test.each([
    '/',
    '/a',
    '/*',
    '/**',
    '/a/**',
    '/a*b/*/**',
    '/.a',
    '/..a',
    '/a.',
    '/a/...',
    '',
    'a',
    '//',
    '/a/',
    '/.',
    '/..',
    '/a/./b',
    '/a**',
    '/***',
    '/**/a',
    '/a?',
    '/a[',
    '/a\\',
    '/a"',
    '/a`',
    '/a\n',
    '/ž',
    'yaml://**',
    'yaml://secret/**',
    'yaml://secret/env',
    'openbao+kv2://secret/app/*',
    'hashicorp+kv2://*/db-*-*/**',
    'yaml://secret/.env',
    'yaml://secret',
    'yaml://*',
    'yaml://',
    'yaml:///a',
    'yaml://a//b',
    'yaml://a/b/',
    'yaml://a/./b',
    'yaml://a/.',
    'yaml://a/b..c',
    'yaml://a/b**',
    'yaml://**/a',
    'yaml://a/b#c',
    'yaml://a/b?version=1',
    'yaml://a/b\n',
    'yaml://a/ž',
    `yaml://a/${'b'.repeat(128)}`,
    `yaml://a/${'b'.repeat(129)}`,
    'YAML://a/b',
    'secreg://a/b',
    'openbao://a/b',
  ])('has the opinion of compile on the pattern %j', (pattern) => {
    const document = documentOf({ resources: [pattern] })
    expect(valid(POLICY_SCHEMA, document)).toBe(compiles(document))
  })

  test('knows every action and cannot be changed', () => {
    expect(valid(POLICY_SCHEMA, documentOf({ actions: [...ACTIONS] }))).toBe(true)
    expect(Object.isFrozen(POLICY_SCHEMA)).toBe(true)
    expect(JSON.parse(JSON.stringify(POLICY_SCHEMA))).toEqual(POLICY_SCHEMA)
  })
})
