/** Known weaknesses of other systems, by their numbers: specs/secreg.md §8 and specs/kv2.md §5.2. */

import {
  type Acl,
  type AclPermission,
  type Action,
  aclChangeNeeds,
  type CompiledPolicy,
  compile,
  PolicyError,
  type VaultOperation,
  type VaultPathRule,
  vaultAcl,
} from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'

const aclsOf = (acls: Readonly<Record<string, Acl>>) => ({
  id: 'acls',
  source: 'acl',
  principals: ['*'],
  mount: '/',
  acls,
})
const reader = (name: string): readonly AclPermission[] => [
  { principal_type: 'user', principal_name: name, actions: ['read'] },
]
const may = (
  policy: CompiledPolicy,
  name: string,
  resource: string,
  action: Action = 'read',
): boolean => policy.decide({ subject: [`user:${name}`], action, resource }).decision === 'allow'

describe('SecReg', () => {
  test('41: mode none does not inherit; depth is honoured; nearest ancestor wins', () => {
    const policy = compile([
      aclsOf({
        '/none': { permissions: reader('a'), inheritance: { mode: 'none', depth: 9 } },
        '/absent': { permissions: reader('a') },
        '/parent': { permissions: reader('a'), inheritance: { mode: 'parent', depth: 9 } },
        '/two': { permissions: reader('a'), inheritance: { mode: 'all', depth: 2 } },
        '/all': { permissions: reader('a'), inheritance: { mode: 'all', depth: 0 } },
        '/all/near': { permissions: reader('b'), inheritance: { mode: 'parent' } },
        '/all/self': { permissions: reader('b'), inheritance: { mode: 'none' } },
      }),
    ])
    const asked = (path: string): boolean[] =>
      ['', '/x', '/x/y', '/x/y/z'].map((tail) => may(policy, 'a', `${path}${tail}`))
    expect(asked('/none')).toEqual([true, false, false, false])
    expect(asked('/absent')).toEqual([true, false, false, false])
    expect(asked('/parent')).toEqual([true, true, false, false])
    expect(asked('/two')).toEqual([true, true, true, false])
    expect(asked('/all')).toEqual([true, true, true, true])
    // The nearer ACL hides the farther one as far as it reaches, and no farther.
    expect(asked('/all/near')).toEqual([false, false, true, true])
    expect(may(policy, 'b', '/all/near/x')).toBe(true)
    expect(may(policy, 'b', '/all/near/x/y')).toBe(false)
    expect(asked('/all/self')).toEqual([false, true, true, true])
    expect(may(policy, 'a', '/allx')).toBe(false)
  })

  test('42: a failing condition on one permission does not cancel another that allows', () => {
    const permissions = [
      { ...reader('a')?.[0], conditions: [{ type: 'require_mfa' }] },
      { ...reader('a')?.[0] },
      { ...reader('a')?.[0], conditions: [{ type: 'require_tpm' }] },
    ] as AclPermission[]
    const policy = compile([aclsOf({ '/a': { permissions } })])
    const request = { subject: ['user:a'], action: 'read', resource: '/a' } as const
    expect(policy.decide({ ...request, context: { mfa: false } })).toEqual({
      decision: 'allow',
      rules: ['acls/a#1'],
    })
    expect(policy.decide({ ...request, context: { mfa: true } }).rules).toEqual([
      'acls/a#0',
      'acls/a#1',
    ])
  })

  test.each([
    ['ip_range', { type: 'ip_range', min_ip: '0.0.0.0', max_ip: '255.255.255.255' }],
    ['require_tpm', { type: 'require_tpm', require_tpm: true }],
    ['require_mfa', { type: 'require_mfa', require_mfa: true }],
    ['time_range', { type: 'time_range', start_time: 0, end_time: 86_400 }],
  ])('43: %s that cannot be evaluated denies', (_, condition) => {
    const permissions = [{ ...reader('a')?.[0], conditions: [condition] }] as AclPermission[]
    const policy = compile([aclsOf({ '/a': { permissions } })])
    expect(may(policy, 'a', '/a')).toBe(false)
    const request = { subject: ['user:a'], action: 'read', resource: '/a' } as const
    const [rule] = policy.explain(request).rules
    expect(rule?.unmet).toMatchObject([{ clause: 'when', unknown: true }])
  })

  test('46: changing an ACL needs grant on its path and all that it gives', () => {
    const acls: Record<string, Acl> = {
      '/a': { owner: 'alice', inheritance: { mode: 'all' } },
      '/b': { permissions: reader('alice'), inheritance: { mode: 'all' } },
    }
    const policy = compile([aclsOf(acls)])
    const mayChange = (name: string, path: string, next: Acl | undefined): boolean =>
      aclChangeNeeds(acls, path, next).every(({ action, resource }) =>
        policy.covers([`user:${name}`], action, resource),
      )
    const shared = (...actions: ('read' | 'decrypt' | 'admin')[]): Acl => ({
      ...acls['/a'],
      permissions: [{ principal_type: 'user', principal_name: 'bob', actions }],
    })
    expect(mayChange('alice', '/a', shared('read'))).toBe(true)
    expect(mayChange('alice', '/a', shared('decrypt'))).toBe(false)
    expect(mayChange('alice', '/a', shared('read', 'admin'))).toBe(false)
    expect(mayChange('bob', '/a', shared('read'))).toBe(false)
    // She may read `/b` and grant nothing there.
    expect(mayChange('alice', '/b', { permissions: reader('alice') })).toBe(false)
  })

  test('48: clearing caches never loses an ACL', () => {
    const acls: Record<string, Acl> = {}
    for (let index = 0; index < 300; index++)
      acls[`/a/k${index}`] = { permissions: reader(`u${index}`) }
    const document = aclsOf(acls)
    const native = {
      id: 'n',
      rules: [
        { id: 'r', effect: 'allow', principals: ['*'], actions: ['list'], resources: ['/a/*'] },
      ],
    }
    const policy = compile([native, document], { maxKept: 1 })
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 300; index++) {
        expect(may(policy, `u${index}`, `/a/k${index}`)).toBe(true)
        expect(may(policy, `u${index}`, `/a/k${(index + 1) % 300}`)).toBe(false)
        expect(may(policy, `u${index}`, `/a/k${index}`, 'list')).toBe(true)
      }
    }
    // A change elsewhere is none of its business either.
    const changed = policy.replace({ set: [{ ...native, rules: [] }], remove: ['none'] })
    expect(may(changed, 'u7', '/a/k7')).toBe(true)
  })
})

describe('KV v2', () => {
  const policyOf = (path: Readonly<Record<string, VaultPathRule>>) =>
    compile([
      {
        id: 'v',
        source: 'vault',
        principals: ['*'],
        mount: '/kv/secret',
        apiMount: 'secret',
        policies: [{ name: 'p', path }],
      },
      {
        id: 'n',
        rules: [
          { id: 'all', effect: 'allow', principals: ['*'], actions: ['read'], resources: ['/**'] },
        ],
      },
    ])
  const all: readonly VaultOperation[] = [
    'create',
    'read',
    'update',
    'patch',
    'delete',
    'list',
    'scan',
  ]
  const everything: VaultPathRule = { capabilities: [...all, 'sudo'] }

  test.each([
    'secret/data/a/../b',
    'secret/data/./b',
    'secret/data//b',
    'secret/data/..',
    'secret/../sys/policy',
    '/secret/data/b',
    '',
    'secret/data/b\u0000',
  ])('1: the path %j is refused for every operation, whatever is granted', (path) => {
    const acl = vaultAcl([{ name: 'p', path: { '*': everything, '+/data/*': everything } }])
    for (const operation of all) expect(acl.allows(path, operation)).toBe(false)
    expect(acl.capabilities(path)).toEqual(['deny'])
  })

  test('1: a path with a slash at its end is only a listed one', () => {
    const acl = vaultAcl([{ name: 'p', path: { '*': everything } }])
    for (const operation of all) {
      const listing = operation === 'list' || operation === 'scan'
      expect(acl.allows('secret/metadata/a/', operation)).toBe(listing)
    }
  })

  test.each(['%2E%2E', '%2e%2e', '%2E', 'a%2Fb', 'a%2fb', '%61', '%C3%A9', 'e\u0301'])(
    '2: the segment %j, which is no name of KV v2, is allowed by nothing and denied by what denies it',
    (segment) => {
      const granted = policyOf({ 'secret/*': everything })
      const request = { subject: ['user:a'], action: 'update' } as const
      const resource = `/kv/secret/team/${segment}`
      expect(granted.decide({ ...request, resource }).decision).toBe('deny')
      expect(granted.decide({ ...request, resource: '/kv/secret/team/x' }).decision).toBe('allow')
      // Here a native rule allows it, and the deny of the subtree still holds.
      const denied = policyOf({ 'secret/data/team/*': { capabilities: ['deny'] } })
      const read = { subject: ['user:a'], action: 'read', resource } as const
      expect(denied.decide(read).rules).toEqual(['v/secret/data/team/*'])
    },
  )

  test('2: another case is another key, and a deny of one spelling is met by one spelling', () => {
    const policy = policyOf({
      'secret/data/*': { capabilities: ['update'] },
      'secret/data/foo': { capabilities: ['deny'] },
    })
    const ask = (name: string) =>
      policy.decide({ subject: ['user:a'], action: 'update', resource: `/kv/secret/${name}` })
    expect(ask('foo').rules).toEqual(['v/secret/data/foo'])
    expect(ask('FOO').decision).toBe('allow')
    for (const name of ['foo/', '/foo', './foo', 'x/../foo', '%66oo', 'fo%6F']) {
      expect(ask(name).decision).toBe('deny')
    }
  })

  test.each(['secret/metadata/a', 'secret/metadata/a/'])(
    '3: a deny on a/* holds for a list of %j, by every verb',
    (path) => {
      const acl = vaultAcl([
        {
          name: 'p',
          path: {
            'secret/metadata/*': { capabilities: ['list', 'scan'] },
            'secret/metadata/a/*': { capabilities: ['deny'] },
          },
        },
      ])
      for (const operation of ['list', 'scan'] as const) {
        expect(acl.check(path, operation)).toMatchObject({ allowed: false, denied: true })
      }
      expect(acl.allows('secret/metadata/b', 'list')).toBe(true)
    },
  )

  test('3: a list has one answer in both spellings', () => {
    const patterns = ['', '/', '*', '/*', '/+', '/+/*']
    for (const one of patterns) {
      for (const other of patterns) {
        const acl = vaultAcl([
          {
            name: 'p',
            path: {
              [`secret/metadata/a${one}`]: { capabilities: ['list'] },
              [`secret/metadata/a${other}`]: { capabilities: ['deny'] },
            },
          },
        ])
        for (const path of ['secret/metadata/a', 'secret/metadata/a/b', 'secret/metadata']) {
          expect(acl.check(path, 'list')).toEqual(acl.check(`${path}/`, 'list'))
        }
      }
    }
  })

  test.each(['*', '+', 'a*', 'a/b', '/', 'a/+', '', '\n'])(
    '4: a name that is %j widens no template',
    (name) => {
      const acl = vaultAcl(
        [
          {
            name: 'p',
            path: {
              'secret/data/{{identity.entity.name}}': everything,
              'secret/data/x/{{identity.entity.name}}': everything,
              '{{identity.entity.name}}/data/y': everything,
            },
          },
        ],
        { identity: { entity: { name } } },
      )
      for (const path of ['a', 'b', 'x/a', 'x/a/b', `${name}`, 'y']) {
        expect([path, acl.allows(`secret/data/${path}`, 'read')]).toEqual([path, false])
      }
    },
  )

  test.each(['*', '+', 'a/b', '', undefined])('4: a name that is %j loses no deny', (name) => {
    const acl = vaultAcl(
      [
        {
          name: 'p',
          path: {
            'secret/data/*': { capabilities: ['read'] },
            'secret/data/own/+/ok': { capabilities: ['read'] },
            'secret/data/own/x': { capabilities: ['read'] },
            'secret/data/own/{{identity.entity.name}}': { capabilities: ['deny'] },
          },
        },
      ],
      { identity: { entity: name === undefined ? {} : { name } } },
    )
    for (const path of ['own/a', 'own/x', 'own/y/ok']) {
      expect(acl.check(`secret/data/${path}`, 'read')).toMatchObject({
        allowed: false,
        denied: true,
      })
    }
    expect(acl.allows('secret/data/other', 'read')).toBe(true)
    expect(acl.capabilities('secret/data/own/x')).toEqual(['deny'])
  })

  test.each([
    'root',
    ' root',
    'root ',
    'Root',
    'ROOT',
    'röot',
    'roo\u0074\u200b',
    'a b',
    '',
    'response-wrapping',
  ])('5: a policy cannot be called %j', (name) => {
    expect(() => vaultAcl([{ name, path: {} }])).toThrow(PolicyError)
  })

  test('6: one mount says nothing about another, nor a subject about another', () => {
    const documentOf = (id: string, principal: string, mount: string, apiMount: string) => ({
      id,
      source: 'vault',
      principals: [principal],
      mount,
      apiMount,
      policies: [{ name: 'p', path: { '*': everything } }],
    })
    const policy = compile([
      documentOf('one', 'zone:one', '/kv/one', 'one'),
      documentOf('two', 'zone:two', '/kv/two', 'two'),
      documentOf('same', 'zone:three', '/kv/three', 'one'),
    ])
    const ask = (zone: string, resource: string) =>
      policy.decide({ subject: [`zone:${zone}`], action: 'read', resource }).decision
    expect(ask('one', '/kv/one/a')).toBe('allow')
    for (const resource of [
      '/kv/two/a',
      '/kv/three/a',
      '/kv/onex/a',
      '/kv/onexa',
      '/kv',
      '/kv/one',
      '/one/data/a',
    ]) {
      expect([resource, ask('one', resource)]).toEqual([resource, 'deny'])
    }
    expect(ask('two', '/kv/one/a')).toBe('deny')
  })

  test('6: an answer that is kept cannot be changed by who got it', () => {
    const policy = policyOf({ 'secret/data/a': { capabilities: ['read'] } })
    // Allowed by both documents, and by the foreign one alone.
    for (const action of ['read', 'decrypt'] as const) {
      const answer = policy.decide({ subject: ['user:a'], action, resource: '/kv/secret/a' })
      expect([answer.decision, Object.isFrozen(answer)]).toEqual(['allow', true])
      expect(Object.isFrozen(answer.rules)).toBe(true)
    }
    const rule = { capabilities: ['update'], allowed_parameters: { a: [{ b: 1 }] } } as const
    const acl = vaultAcl([{ name: 'p', path: { 'secret/config': rule } }])
    const values = rule.allowed_parameters.a as unknown as { b: number }[]
    ;(values[0] as { b: number }).b = 2
    const check = (b: number) => acl.allows('secret/config', 'update', { parameters: { a: { b } } })
    expect([check(1), check(2)]).toEqual([true, false])
  })
})
