import {
  ACTIONS,
  type ApiRequest,
  CANONICAL_WORDS,
  type Context,
  compile,
  VAULT_ACTIONS,
  type VaultAclRequest,
  type VaultIdentity,
  type VaultOperation,
  type VaultPathRule,
  vaultAcl,
} from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'
import { operationOf } from '../../src/sources/vault/words.ts'

type Rules = Readonly<Record<string, VaultPathRule>>

const aclOf = (path: Rules, identity?: VaultIdentity) =>
  vaultAcl([{ name: 'p', path }], identity === undefined ? {} : { identity })

const policyOf = (path: Rules, id = 'v') => [
  {
    id,
    source: 'vault',
    principals: ['*'],
    mount: '/kv/secret',
    apiMount: 'secret',
    policies: [{ name: 'p', path }],
  },
]

describe('the table of words', () => {
  test('has the same operation for an action as its canonical word', () => {
    for (const action of ACTIONS) {
      const { word, operation } = CANONICAL_WORDS[action] ?? {}
      if (word === undefined) continue
      expect([action, operationOf(word, action)]).toEqual([action, operation])
      if (operation !== undefined) expect(VAULT_ACTIONS[word][operation]).toContain(action)
    }
  })

  test('says of every action that some word says what its canonical one is', () => {
    const said = Object.values(VAULT_ACTIONS).flatMap((word) => Object.values(word).flat())
    for (const action of said) expect(CANONICAL_WORDS[action]?.operation).toBeDefined()
  })
})

describe('parameters', () => {
  const check = (rule: VaultPathRule, parameters?: Record<string, unknown>): boolean =>
    aclOf({ 'secret/config': { capabilities: ['update'], ...rule } }).allows(
      'secret/config',
      'update',
      parameters === undefined ? {} : { parameters },
    )

  test.each<[VaultPathRule, Record<string, unknown>, boolean]>([
    [{ required_parameters: ['A'] }, { a: 1 }, true],
    [{ required_parameters: ['a'] }, { A: null }, true],
    [{ required_parameters: ['a'] }, {}, false],
    [{ required_parameters: ['a', 'b'] }, { a: 1 }, false],
    [{ required_parameters: ['toString'] }, {}, false],
    [{ denied_parameters: { a: [] } }, { a: 1 }, false],
    [{ denied_parameters: { A: [] } }, { a: 1 }, false],
    [{ denied_parameters: { a: ['x*'] } }, { a: 'xy' }, false],
    [{ denied_parameters: { a: ['*x'] } }, { a: 'yx' }, false],
    [{ denied_parameters: { a: ['*x*'] } }, { a: 'yxz' }, false],
    [{ denied_parameters: { a: ['x*'] } }, { a: 'yx' }, true],
    [{ denied_parameters: { a: ['*'] } }, { a: 'x' }, true],
    [{ denied_parameters: { a: ['*'] } }, { a: '*' }, false],
    [{ denied_parameters: { a: [1, true, null] } }, { a: true }, false],
    [{ denied_parameters: { a: [null] } }, { a: null }, false],
    [{ denied_parameters: { a: [{ b: [1, 'x*'] }] } }, { a: { b: [1, 'x*'] } }, false],
    [{ denied_parameters: { a: [{ b: ['x*'] }] } }, { a: { b: ['xy'] } }, true],
    [{ denied_parameters: { a: [[1]] } }, { a: { 0: 1 } }, true],
    [{ denied_parameters: { '*': [] } }, { a: 1 }, false],
    [{ denied_parameters: { '*': [] } }, {}, true],
    [{ allowed_parameters: { a: [] } }, { a: 1 }, true],
    [{ allowed_parameters: { a: [] } }, { b: 1 }, false],
    [{ allowed_parameters: { a: [] } }, {}, true],
    [{ allowed_parameters: { a: ['x'] } }, { a: 'y' }, false],
    [{ allowed_parameters: { a: ['x'], '*': [] } }, { b: 'y' }, true],
    [{ allowed_parameters: { a: ['x'], '*': [] } }, { a: 'y' }, false],
    [{ allowed_parameters: { '*': [] }, denied_parameters: { a: [] } }, { a: 1 }, false],
  ])('%j, given %j: %j', (rule, parameters, allowed) => {
    expect(check(rule, parameters)).toBe(allowed)
  })

  test.each<VaultPathRule>([
    { required_parameters: ['a'] },
    { denied_parameters: { a: [] } },
    { allowed_parameters: { a: [] } },
  ])('%j allows nothing where parameters are not known', (rule) => {
    expect(check(rule)).toBe(false)
  })

  test('do not matter to delete and list', () => {
    const acl = aclOf({
      'secret/*': { capabilities: ['delete', 'list'], denied_parameters: { '*': [] } },
    })
    expect(acl.allows('secret/data/a', 'delete', { parameters: { a: 1 } })).toBe(true)
    expect(acl.allows('secret/metadata/a', 'list', { parameters: { a: 1 } })).toBe(true)
  })

  test('of several policies for one pattern are merged, an empty list taking in all', () => {
    const path = (values: unknown[]): Rules => ({
      'secret/config': { capabilities: ['update'], allowed_parameters: { a: values } },
    })
    const acl = (...lists: unknown[][]) =>
      vaultAcl(lists.map((values, index) => ({ name: `p${index}`, path: path(values) })))
    const ask = (given: ReturnType<typeof vaultAcl>, a: string) =>
      given.allows('secret/config', 'update', { parameters: { a } })
    expect([ask(acl(['x'], ['y']), 'y'), ask(acl(['x'], ['y']), 'z')]).toEqual([true, false])
    expect([ask(acl(['x'], []), 'z'), ask(acl([], ['x']), 'z')]).toEqual([true, true])
  })
})

describe('limits of a pattern', () => {
  test.each<[VaultPathRule, VaultOperation, VaultAclRequest, boolean]>([
    [{ mfa_methods: ['totp'] }, 'read', { mfa: true }, true],
    [{ mfa_methods: ['totp'] }, 'read', { mfa: false }, false],
    [{ mfa_methods: ['totp'] }, 'read', {}, false],
    [{ mfa_methods: [] }, 'read', {}, true],
    [{ min_wrapping_ttl: '1m' }, 'read', { wrapTtlSeconds: 60 }, true],
    [{ min_wrapping_ttl: '1m' }, 'read', { wrapTtlSeconds: 59 }, false],
    [{ min_wrapping_ttl: 60 }, 'read', {}, false],
    [{ max_wrapping_ttl: '1h30m' }, 'read', { wrapTtlSeconds: 5400 }, true],
    [{ max_wrapping_ttl: '5400' }, 'read', { wrapTtlSeconds: 5401 }, false],
    [{ max_wrapping_ttl: '1d' }, 'read', {}, false],
    [{ pagination_limit: 10 }, 'list', { parameters: { limit: 10 } }, true],
    [{ pagination_limit: 10 }, 'list', { parameters: { limit: '5' } }, true],
    [{ pagination_limit: 10 }, 'list', { parameters: { limit: 11 } }, false],
    [{ pagination_limit: 10 }, 'list', { parameters: { limit: 0 } }, false],
    [{ pagination_limit: 10 }, 'list', { parameters: {} }, false],
    [{ pagination_limit: 10 }, 'list', {}, false],
    [{ pagination_limit: 10 }, 'read', {}, true],
    [{ list_scan_response_keys_filter_path: 'x' }, 'list', {}, false],
    [{ list_scan_response_keys_filter_path: 'x' }, 'scan', { parameters: {} }, true],
  ])('%j %s %j: %j', (rule, operation, request, allowed) => {
    const acl = aclOf({ 'secret/x/*': { capabilities: ['read', 'list', 'scan'], ...rule } })
    expect(acl.allows('secret/x/a', operation, request)).toBe(allowed)
  })

  test('are told to the door', () => {
    const acl = aclOf({
      'secret/x/*': {
        capabilities: ['list', 'sudo'],
        pagination_limit: 7,
        list_scan_response_keys_filter_path: '{{.path}}',
      },
    })
    expect(acl.check('secret/x/a', 'list', { parameters: { limit: 7 } })).toEqual({
      allowed: true,
      denied: false,
      sudo: true,
      paginationLimit: 7,
      keysFilters: ['{{.path}}'],
    })
  })

  test('are the lesser of two policies', () => {
    const one = (name: string, rule: VaultPathRule) => ({
      name,
      path: { 'secret/x': { capabilities: ['read', 'list'] as const, ...rule } },
    })
    const acl = vaultAcl([
      one('a', { max_wrapping_ttl: 60, pagination_limit: 5 }),
      one('b', { max_wrapping_ttl: 30, pagination_limit: 9 }),
      one('c', {}),
    ])
    expect(acl.allows('secret/x', 'read', { wrapTtlSeconds: 31 })).toBe(false)
    expect(acl.allows('secret/x', 'read', { wrapTtlSeconds: 30 })).toBe(true)
    expect(acl.check('secret/x', 'list', { parameters: { limit: 6 } }).allowed).toBe(false)
  })
})

describe('old words', () => {
  test.each<[VaultPathRule, readonly string[]]>([
    [{ policy: 'read' }, ['list', 'read']],
    [{ policy: 'write' }, ['create', 'delete', 'list', 'read', 'update']],
    [{ policy: 'sudo' }, ['create', 'delete', 'list', 'read', 'sudo', 'update']],
    [{ policy: 'deny' }, ['deny']],
    [{ policy: 'read', capabilities: ['patch'] }, ['list', 'patch', 'read']],
    [{ policy: 'read', capabilities: ['deny'] }, ['deny']],
    [{ capabilities: [] }, ['deny']],
    [{}, ['deny']],
  ])('%j is %j', (rule, capabilities) => {
    expect(aclOf({ 'secret/x': rule }).capabilities('secret/x')).toEqual(capabilities)
  })
})

describe('expiration', () => {
  const at = Date.parse('2026-06-01T00:00:00Z')
  const expiration = '2026-06-01T02:00:00+02:00'
  const acl = aclOf({
    'secret/data/*': { capabilities: ['read', 'update'] },
    'secret/data/a': { capabilities: ['read'], expiration },
    'secret/data/b': { capabilities: ['deny'], expiration },
    'secret/data/c': { capabilities: ['update'] },
  })

  test.each<[string, VaultOperation, number | undefined, boolean]>([
    ['a', 'read', at - 1, true],
    ['a', 'update', at - 1, false],
    // The narrow pattern is gone, and the broad one speaks.
    ['a', 'update', at, true],
    ['b', 'read', at - 1, false],
    ['b', 'read', at, true],
    ['a', 'read', undefined, true],
    ['a', 'update', undefined, false],
    ['b', 'read', undefined, false],
    ['b', 'read', Number.NaN, false],
    ['c', 'update', undefined, true],
  ])('%s %s at %s: %j', (name, operation, time, allowed) => {
    expect(acl.allows(`secret/data/${name}`, operation, { time })).toBe(allowed)
  })

  test('of capabilities leaves those that hold before and after', () => {
    expect(acl.capabilities('secret/data/a')).toEqual(['read'])
    expect(acl.capabilities('secret/data/a', at)).toEqual(['read', 'update'])
  })

  test('says what is unknown', () => {
    const policy = compile(policyOf({ 'secret/data/a': { capabilities: ['read'], expiration } }))
    const request = { subject: ['user:a'], action: 'read', resource: '/kv/secret/a' } as const
    expect(policy.explain(request)).toMatchObject({
      decision: 'deny',
      reason: 'condition not met',
      rules: [{ rule: 'v/secret/data/a', unmet: [{ condition: 'time', unknown: true }] }],
    })
    expect(policy.decide({ ...request, time: at - 1 }).rules).toEqual(['v/secret/data/a'])
    expect(policy.decide({ ...request, time: at }).decision).toBe('deny')
  })

  test('keeps deciding right with more expirations than it keeps sets for', () => {
    const rules = Array.from({ length: 40 }, (_, hour): [string, VaultPathRule] => [
      `secret/data/k${hour}`,
      { capabilities: ['read'], expiration: new Date(at + hour * 3_600_000).toISOString() },
    ])
    const many = aclOf(Object.fromEntries(rules))
    for (const round of [0, 1]) {
      for (let hour = 0; hour < 40; hour++) {
        const time = at + hour * 3_600_000 - round
        expect(many.allows(`secret/data/k${hour}`, 'read', { time })).toBe(round === 1)
      }
    }
  })
})

describe('templates', () => {
  const identity: VaultIdentity = {
    entity: {
      id: 'e1',
      name: 'alice',
      metadata: { team: 'web', 'a.b': 'dotted' },
      aliases: { auth_1: { id: 'a1', name: 'al', metadata: { org: 'x' } } },
    },
    groups: [{ id: 'g1', name: 'ops' }],
  }

  test.each([
    ['identity.entity.id', 'e1'],
    ['identity.entity.name', 'alice'],
    ['identity.entity.metadata.team', 'web'],
    ['identity.entity.metadata.a.b', 'dotted'],
    ['identity.entity.aliases.auth_1.id', 'a1'],
    ['identity.entity.aliases.auth_1.name', 'al'],
    ['identity.entity.aliases.auth_1.metadata.org', 'x'],
    ['identity.groups.ids.g1.name', 'ops'],
    ['identity.groups.names.ops.id', 'g1'],
  ])('{{%s}} is %s', (variable, value) => {
    const acl = aclOf({ [`secret/data/{{ ${variable} }}/+`]: { capabilities: ['read'] } }, identity)
    expect(acl.allows(`secret/data/${value}/x`, 'read')).toBe(true)
    expect(acl.allows('secret/data/other/x', 'read')).toBe(false)
    expect(
      aclOf({ [`secret/data/{{${variable}}}`]: { policy: 'read' } }).allows('secret/data/', 'list'),
    ).toBe(false)
  })

  test.each([
    'identity.entity.metadata.none',
    'identity.entity.metadata.__proto__',
    'identity.entity.aliases.other.id',
    'identity.groups.ids.g2.name',
    'identity.groups.names.dev.id',
  ])('{{%s}} of a subject that has none grants nothing', (variable) => {
    const acl = aclOf({ [`secret/data/{{${variable}}}*`]: { capabilities: ['read'] } }, identity)
    expect(acl.allows('secret/data/a', 'read')).toBe(false)
  })

  test('are filled in for each subject of a policy alone', () => {
    const policy = compile(
      policyOf({ 'secret/data/{{identity.entity.name}}': { capabilities: ['read'] } }),
    )
    const ask = (name: string | undefined, resource: string): string => {
      const known = name === undefined ? undefined : { entity: { name } }
      const subject = policy.subject(['user:x'], known)
      return policy.decide({ subject, action: 'read', resource }).decision
    }
    expect(ask('alice', '/kv/secret/alice')).toBe('allow')
    expect(ask('bob', '/kv/secret/alice')).toBe('deny')
    expect(ask(undefined, '/kv/secret/alice')).toBe('deny')
    const foreign = compile([]).subject(['user:x'], { entity: { name: 'alice' } })
    const request = { action: 'read', resource: '/kv/secret/alice' } as const
    expect(policy.decide({ subject: foreign, ...request }).decision).toBe('allow')
  })

  test('change nothing when the identity is changed later', () => {
    const policy = compile(
      policyOf({
        'secret/data/{{identity.entity.name}}': {
          capabilities: ['read'],
          expiration: '2100-01-01T00:00:00Z',
        },
      }),
    )
    const entity = { name: 'alice' }
    const subject = policy.subject(['user:x'], { entity })
    entity.name = 'bob'
    const request = { subject, action: 'read', time: 0 } as const
    expect(policy.decide({ ...request, resource: '/kv/secret/bob' }).decision).toBe('deny')
    expect(policy.decide({ ...request, resource: '/kv/secret/alice' }).decision).toBe('allow')
  })
})

describe('a door that says its word', () => {
  const policy = compile([
    ...policyOf({
      'secret/data/a': { capabilities: ['read'] },
      'secret/subkeys/a': { capabilities: ['deny'] },
      'secret/subkeys/b': { capabilities: ['read'] },
      'secret/metadata/c': { capabilities: ['create'] },
      'secret/delete/d': { capabilities: ['update'] },
      'secret/config': { capabilities: ['update'] },
    }),
  ])
  const ask = (
    action: 'read' | 'delete' | 'write-metadata' | 'mount',
    name: string,
    api?: ApiRequest,
  ) => {
    const context: Context = api === undefined ? {} : { api }
    const resource = name === '' ? '/kv/secret' : `/kv/secret/${name}`
    return policy.decide({ subject: ['user:x'], action, resource, context })
  }

  test('is answered for this word alone', () => {
    expect(ask('read', 'a', { word: 'data' }).decision).toBe('allow')
    expect(ask('read', 'a', { word: 'subkeys' }).rules).toEqual(['v/secret/subkeys/a'])
    expect(ask('read', 'b', { word: 'subkeys' }).decision).toBe('allow')
    expect(ask('read', 'b', { word: 'data' }).decision).toBe('deny')
    expect(ask('delete', 'd', { word: 'delete' }).decision).toBe('allow')
    expect(ask('delete', 'd', { word: 'data' }).decision).toBe('deny')
    expect(ask('mount', '', { word: 'config' }).decision).toBe('allow')
  })

  test('is answered for its operation alone', () => {
    expect(ask('write-metadata', 'c', { word: 'metadata', operation: 'create' }).decision).toBe(
      'allow',
    )
    expect(ask('write-metadata', 'c', { word: 'metadata', operation: 'update' }).decision).toBe(
      'deny',
    )
    expect(ask('write-metadata', 'c', { word: 'metadata' }).decision).toBe('deny')
    expect(ask('read', 'a', { word: 'data', operation: 'list' }).decision).toBe('deny')
  })

  test('other doors are answered for the canonical word, and refused by any', () => {
    expect(ask('read', 'a').rules).toEqual(['v/secret/subkeys/a'])
    expect(ask('read', 'b').decision).toBe('deny')
    expect(ask('delete', 'd').decision).toBe('deny')
    expect(ask('write-metadata', 'c').decision).toBe('deny')
    expect(ask('mount', '').decision).toBe('allow')
  })

  test.each(['', 'toString', 'DATA'])(
    'a word that is %j allows nothing and is refused by all',
    (word) => {
      const api = { word } as unknown as ApiRequest
      expect(ask('read', 'b', api)).toEqual({ decision: 'deny', rules: [] })
      expect(ask('read', 'a', api).rules).toEqual(['v/secret/subkeys/a'])
    },
  )
})

test('policies of several documents are one rule set, in which the narrow pattern speaks alone', () => {
  const policy = compile([
    ...policyOf({ 'secret/data/*': { capabilities: ['read', 'update'] } }, 'broad'),
    ...policyOf({ 'secret/data/a': { capabilities: ['read'] } }, 'narrow'),
    ...policyOf({ '/secret/data/a': { capabilities: ['patch'] } }, 'more'),
  ])
  const ask = (action: 'read' | 'update' | 'patch') =>
    policy.decide({ subject: ['user:x'], action, resource: '/kv/secret/a' })
  expect(ask('read')).toEqual({ decision: 'allow', rules: ['narrow/secret/data/a'] })
  expect(ask('patch')).toEqual({ decision: 'allow', rules: ['more/secret/data/a'] })
  expect(ask('update')).toEqual({ decision: 'deny', rules: [] })
  expect(ask('read')).toBe(ask('read'))
  const shown = policy.explain({ subject: ['user:x'], action: 'update', resource: '/kv/secret/a' })
  expect(shown.reason).toBe('no rule allows it')
  expect(shown.rules[0]).toEqual({
    rule: 'narrow/secret/data/a',
    effect: 'allow',
    applies: false,
    unmet: [{ clause: 'when', condition: 'capability', wants: 'update' }],
  })
})
