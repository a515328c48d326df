import {
  type Acl,
  type AclAction,
  type AclCondition,
  type Action,
  aclChangeNeeds,
  type Context,
  compile,
  importRoles,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertOften } from '../runs.ts'

const OPTIONS = { systemZone: 'Etc/GMT-2' }
const documentOf = (acls: Readonly<Record<string, Acl>>, id = 'acls') => ({
  id,
  source: 'acl',
  principals: ['*'],
  mount: '/',
  acls,
})
const grants = (name: string, ...actions: AclAction[]) => ({
  principal_type: 'user' as const,
  principal_name: name,
  actions,
})

describe('an owner', () => {
  test.each<[string, readonly string[], boolean]>([
    ['alice', ['user:alice'], true],
    ['alice', ['user:bob', 'group:alice', 'account:alice'], false],
    ['account:0a', ['account:0a'], true],
    ['account:0a', ['user:account:0a'], false],
    ['role:admin', ['role:admin'], true],
  ])('%s is %j: %j', (owner, subject, owns) => {
    const policy = compile([documentOf({ '/a': { owner, owner_group: 'wheel' } })])
    const allowed = (action: Action): boolean =>
      policy.decide({ subject, action, resource: '/a' }).decision === 'allow'
    for (const action of ['read', 'list', 'update', 'create', 'grant'] as const) {
      expect([action, allowed(action)]).toEqual([action, owns])
    }
    for (const action of ['delete', 'decrypt', 'policy', 'use-internal'] as const) {
      expect([action, allowed(action)]).toEqual([action, false])
    }
    expect(
      policy.decide({ subject: ['group:wheel'], action: 'read', resource: '/a' }).rules,
    ).toEqual([])
  })

  test('that is not written is nobody', () => {
    const policy = compile([documentOf({ '/a': {} })])
    const subject = ['user:root', 'user:undefined', 'group:wheel']
    expect(policy.decide({ subject, action: 'read', resource: '/a' }).decision).toBe('deny')
  })
})

describe('a condition', () => {
  const noon = Date.parse('2026-06-01T12:00:00Z')
  test.each<[AclCondition, number | undefined, Context, boolean]>([
    // 14:00 in the zone of the system.
    [{ type: 'time_range', start_time: 50_400, end_time: 50_401 }, noon, {}, true],
    [{ type: 'time_range', start_time: 50_399, end_time: 50_400 }, noon, {}, false],
    [{ type: 'time_range', start_time: 43_200, end_time: 43_201, zone: 'Etc/UTC' }, noon, {}, true],
    [
      { type: 'time_range', start_time: 43_200, end_time: 43_201, zone: 'Etc/UTC' },
      noon + 1000,
      {},
      false,
    ],
    [{ type: 'time_range', start_time: 79_200, end_time: 50_401 }, noon, {}, true],
    [{ type: 'time_range', start_time: 50_401, end_time: 50_400 }, noon, {}, false],
    [{ type: 'time_range', start_time: 50_400, end_time: 50_400 }, noon, {}, false],
    [{ type: 'time_range', start_time: 0, end_time: 86_400 }, noon, {}, true],
    [{ type: 'time_range', start_time: 0, end_time: 86_400 }, undefined, {}, false],
    [{ type: 'time_range', start_time: 0, end_time: 86_400 }, Number.NaN, {}, false],
    [{ type: 'ip_range', min_ip: '10.0.0.5', max_ip: '10.0.1.0' }, noon, { ip: '10.0.0.5' }, true],
    [{ type: 'ip_range', min_ip: '10.0.0.5', max_ip: '10.0.1.0' }, noon, { ip: '10.0.1.0' }, true],
    [{ type: 'ip_range', min_ip: '10.0.0.5', max_ip: '10.0.1.0' }, noon, { ip: '10.0.1.1' }, false],
    [
      { type: 'ip_range', min_ip: '10.0.0.5', max_ip: '10.0.1.0' },
      noon,
      { ip: '::ffff:10.0.0.6' },
      true,
    ],
    [
      { type: 'ip_range', min_ip: '127.0.0.1', max_ip: '200.0.0.1' },
      noon,
      { ip: '128.0.0.1' },
      true,
    ],
    [{ type: 'ip_range', min_ip: '10.0.0.5', max_ip: '10.0.1.0' }, noon, { ip: 'ten' }, false],
    [
      { type: 'ip_range', min_ip: '2001:db8::1', max_ip: '2001:db8::ff' },
      noon,
      { ip: '2001:db8::a' },
      true,
    ],
    [
      { type: 'ip_range', min_ip: '2001:db8::1', max_ip: '2001:db8::ff' },
      noon,
      { ip: '2001:db8::1:0' },
      false,
    ],
    [{ type: 'ip_range', min_ip: '::', max_ip: 'ffff::' }, noon, { ip: '10.0.0.5' }, false],
    [{ type: 'require_mfa' }, noon, { mfa: true }, true],
    [{ type: 'require_mfa' }, noon, { mfa: false }, false],
    [{ type: 'require_mfa', require_mfa: false }, noon, {}, true],
    [{ type: 'require_tpm', require_tpm: false }, noon, {}, true],
  ])('%j at %s with %j: %j', (condition, time, context, allowed) => {
    const acl = { permissions: [{ ...grants('a', 'read'), conditions: [condition] }] }
    const policy = compile([documentOf({ '/a': acl })], OPTIONS)
    const request = { subject: ['user:a'], action: 'read', resource: '/a', time, context } as const
    expect(policy.decide(request).decision).toBe(allowed ? 'allow' : 'deny')
    if (!allowed) expect(policy.explain(request).reason).toBe('condition not met')
  })
})

describe('importRoles', () => {
  const policy = compile([
    importRoles(),
    documentOf({ '/security/one': { permissions: [grants('oz', 'read', 'decrypt')] } }),
  ])
  const ask = (subject: readonly string[], action: Action, resource: string): string =>
    policy.decide({ subject, action, resource }).decision

  test.each<[string, readonly Action[], readonly Action[]]>([
    [
      'admin',
      ['read', 'list', 'update', 'delete', 'grant', 'policy', 'seal'],
      ['decrypt', 'use-internal'],
    ],
    ['operator', ['read', 'list', 'create', 'update'], ['delete', 'grant', 'policy', 'decrypt']],
    ['auditor', ['read', 'list'], ['create', 'update', 'delete', 'decrypt', 'audit-read']],
    ['user', [], ['read', 'list']],
  ])('gives %s %j and not %j', (role, allowed, denied) => {
    for (const resource of ['/', '/app', '/app/web/port']) {
      for (const action of allowed) expect(ask([`role:${role}`], action, resource)).toBe('allow')
      for (const action of denied) expect(ask([`role:${role}`], action, resource)).toBe('deny')
    }
  })

  test('leaves out /security and decrypt, unless an ACL grants them (row 24)', () => {
    for (const resource of ['/security', '/security/one', '/security/a/b']) {
      expect(ask(['role:operator'], 'read', resource)).toBe('deny')
      expect(ask(['role:auditor'], 'read', resource)).toBe('deny')
      expect(ask(['role:admin'], 'read', resource)).toBe('allow')
    }
    expect(ask(['role:operator'], 'read', '/securityx')).toBe('allow')
    expect(ask(['role:operator', 'user:oz'], 'read', '/security/one')).toBe('allow')
    expect(ask(['role:operator', 'user:oz'], 'decrypt', '/security/one')).toBe('allow')
  })

  test('takes roles of its own, with a second factor', () => {
    const own = compile([
      importRoles({ ops: ['write'] }, { id: 'own', except: [], requireMfa: ['ops'] }),
    ])
    const request = { subject: ['role:ops'], action: 'update', resource: '/a' } as const
    expect(own.decide({ ...request, context: { mfa: true } }).rules).toEqual(['own/#0'])
    expect(own.decide({ ...request, context: { mfa: false } }).decision).toBe('deny')
    expect(own.decide(request).decision).toBe('deny')
  })
})

describe('covers', () => {
  const all = { mode: 'all' as const }
  const condition: AclCondition = { type: 'require_mfa' }
  test.each<[string, Readonly<Record<string, Acl>>, Context | undefined, boolean]>([
    ['of all levels', { '/a': { owner: 'u', inheritance: all } }, undefined, true],
    ['of the root', { '/': { owner: 'u', inheritance: all } }, undefined, true],
    [
      'of a number of levels',
      { '/a': { owner: 'u', inheritance: { mode: 'all', depth: 40 } } },
      undefined,
      false,
    ],
    ['of itself', { '/a': { owner: 'u' } }, undefined, false],
    [
      'with a nearer one of another',
      { '/a': { owner: 'u', inheritance: all }, '/a/b/c': { owner: 'v' } },
      undefined,
      false,
    ],
    [
      'with a nearer one of the same',
      { '/a': { owner: 'u', inheritance: all }, '/a/b/c': { owner: 'u' } },
      undefined,
      true,
    ],
    [
      'hidden for one level',
      {
        '/': { owner: 'u', inheritance: all },
        '/a': { owner: 'v', inheritance: { mode: 'parent' } },
      },
      undefined,
      false,
    ],
    [
      'hidden on its own path only',
      { '/': { owner: 'u', inheritance: all }, '/a': { owner: 'v' } },
      undefined,
      true,
    ],
    [
      'under a condition',
      {
        '/a': {
          permissions: [{ ...grants('u', 'read'), conditions: [condition] }],
          inheritance: all,
        },
      },
      undefined,
      false,
    ],
    [
      'under a condition that holds',
      {
        '/a': {
          permissions: [{ ...grants('u', 'read'), conditions: [condition] }],
          inheritance: all,
        },
      },
      { mfa: true },
      true,
    ],
  ])('an ACL %s', (_, acls, context, covered) => {
    const policy = compile([documentOf(acls)])
    expect(policy.covers(['user:u'], 'read', '/a/**', { context })).toBe(covered)
    expect(policy.filter(['user:u'], 'read', '/a', undefined, context) === 'all').toBe(covered)
  })
})

test('covers and filter claim of ACLs only what decide allows', () => {
  const acl: fc.Arbitrary<Acl> = fc.record({
    owner: fc.constantFrom('u', 'u', 'u', 'v'),
    inheritance: fc.record({
      mode: fc.constantFrom('none' as const, 'parent' as const, 'all' as const, 'all' as const),
      depth: fc.constantFrom(0, 0, 1, 2),
    }),
  })
  const paths = fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/a/b/c/d', '/x')
  const below = ['', '/b', '/b/c', '/b/c/d', '/b/c/d/e', '/b/c/d/e/f', '/y', '/y/z', '/b/y/z/z']
  const claims = { '/a': 0, '/a/**': 0, '/a/*/c': 0 }
  assertOften(
    fc.property(fc.dictionary(paths, acl, { maxKeys: 5 }), (acls) => {
      const policy = compile([documentOf(acls)])
      const subject = policy.subject(['user:u'])
      const allowed = (resource: string): boolean =>
        policy.decide({ subject, action: 'read', resource }).decision === 'allow'
      const all = below.slice(1).every((tail) => allowed(`/a${tail}`))
      const claimed = policy.covers(subject, 'read', '/a/**')
      if (claimed) expect(all).toBe(true)
      expect(policy.filter(subject, 'read', '/a') === 'all').toBe(claimed)
      expect(policy.covers(subject, 'read', '/a')).toBe(allowed('/a'))
      const middle = policy.covers(subject, 'read', '/a/*/c')
      if (middle) expect([allowed('/a/b/c'), allowed('/a/y/c')]).toEqual([true, true])
      claims['/a'] += Number(allowed('/a'))
      claims['/a/**'] += Number(claimed)
      claims['/a/*/c'] += Number(middle)
    }),
    1000,
    () => Math.min(...Object.values(claims)),
    50,
  )
})

describe('aclChangeNeeds', () => {
  const acls: Readonly<Record<string, Acl>> = {
    '/': { permissions: [grants('all', 'read', 'delete')], inheritance: { mode: 'all' } },
    '/a': {
      owner: 'alice',
      permissions: [{ ...grants('bob', 'read'), conditions: [{ type: 'require_mfa' }] }],
      inheritance: { mode: 'parent' },
    },
  }
  const words = (path: string, next: Acl | undefined): string[] =>
    aclChangeNeeds(acls, path, next).map(({ action, resource }) => `${action} ${resource}`)
  const READ = ['list', 'read-metadata', 'read', 'watch']
  const same = acls['/a'] as Acl

  test('is grant alone where nothing is given', () => {
    expect(words('/a', same)).toEqual(['grant /a'])
    expect(words('/a', { ...same, permissions: [] })).toEqual(['grant /a'])
    expect(words('/a', { ...same, owner_group: 'x' })).toEqual(['grant /a'])
  })

  test('names what is given, on the path and below where it reaches', () => {
    const next = { ...same, permissions: [grants('carl', 'decrypt')] }
    expect(words('/a', next)).toEqual(['grant /a', 'decrypt /a', 'decrypt /a/**'])
    const alone = { ...next, inheritance: { mode: 'none' as const } }
    // One level down, the ACL of the root speaks now.
    expect(words('/a', alone).slice(0, 2)).toEqual(['grant /a', 'decrypt /a'])
    expect(words('/a', alone)).toContain('delete /a/**')
  })

  test('takes the loss of a condition for a gift, and a further one for none', () => {
    const free = grants('bob', 'read')
    expect(words('/a', { ...same, permissions: [free] })).toEqual([
      'grant /a',
      ...READ.flatMap((action) => [`${action} /a`]),
      ...READ.map((action) => `${action} /a/**`),
    ])
    const more = {
      ...free,
      conditions: [{ type: 'require_mfa' as const }, { type: 'require_tpm' as const }],
    }
    expect(words('/a', { ...same, permissions: [more] })).toEqual(['grant /a'])
  })

  test('takes a new owner for a gift of all that an owner may', () => {
    expect(words('/a', { ...same, owner: 'bob' })).toContain('update /a')
    expect(words('/a', { ...same, owner: 'user:alice' })).toEqual(['grant /a'])
  })

  test('takes away an ACL for a gift of what the farther one gives', () => {
    expect(words('/a', undefined)).toEqual([
      'grant /a',
      ...READ.map((action) => `${action} /a`),
      ...['delete', 'undelete', 'destroy', 'purge'].map((action) => `${action} /a`),
      ...READ.map((action) => `${action} /a/**`),
      ...['delete', 'undelete', 'destroy', 'purge'].map((action) => `${action} /a/**`),
    ])
  })

  test('refuses what is no path and no ACL', () => {
    expect(() => aclChangeNeeds(acls, '/a/', undefined)).toThrow(RangeError)
    expect(() => aclChangeNeeds(acls, '/a', { owner: '' })).toThrow('policy at index 0')
  })

  test('names every action that anybody is allowed after and was not before', () => {
    const acl: fc.Arbitrary<Acl> = fc.record(
      {
        owner: fc.constantFrom('u', 'v'),
        permissions: fc.array(
          fc.record(
            {
              principal_type: fc.constant('user' as const),
              principal_name: fc.constantFrom('u', 'v'),
              actions: fc.subarray(['read', 'write', 'delete', 'decrypt'] as const, {
                minLength: 1,
              }),
              conditions: fc.subarray<AclCondition>([
                { type: 'require_mfa' },
                { type: 'require_tpm', require_tpm: false },
              ]),
            },
            { requiredKeys: ['principal_type', 'principal_name', 'actions'] },
          ),
          { maxLength: 3 },
        ),
        inheritance: fc.record({
          mode: fc.constantFrom('none' as const, 'parent' as const, 'all' as const),
          depth: fc.nat(2),
        }),
      },
      { requiredKeys: [] },
    )
    const paths = fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/x')
    const some = fc.dictionary(paths, acl, { maxKeys: 4 })
    const option = fc.option(acl, { nil: undefined })
    fc.assert(
      fc.property(some, paths, option, (before, path, next) => {
        const { [path]: _, ...others } = before
        const after = next === undefined ? others : { ...others, [path]: next }
        const needs = aclChangeNeeds(before, path, next)
        const [old, now] = [before, after].map((map) => compile([documentOf(map)]))
        for (const resource of [
          '/',
          '/a',
          '/a/b',
          '/a/b/c',
          '/a/b/c/d',
          '/a/b/c/d/e',
          '/x',
          '/x/y',
        ]) {
          for (const action of ['read', 'update', 'delete', 'decrypt', 'grant'] as const) {
            for (const mfa of [true, false]) {
              const request = { action, resource, context: { mfa } }
              const given = ['user:u', 'user:v'].some(
                (name) =>
                  old?.decide({ subject: [name], ...request }).decision === 'deny' &&
                  now?.decide({ subject: [name], ...request }).decision === 'allow',
              )
              if (!given) continue
              const where = resource === path ? path : path === '/' ? '/**' : `${path}/**`
              expect(needs).toContainEqual({ action, resource: where })
            }
          }
        }
      }),
      { numRuns: 1500 },
    )
  })
})
