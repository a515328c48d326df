import {
  ACTIONS,
  type Action,
  type CompiledPolicy,
  compile,
  isAction,
  type PolicyDocument,
  type PolicyRequest,
} from '@secreg/policy-engine'
import { describe, expect, expectTypeOf, test } from 'vitest'

const WEB: PolicyDocument = {
  id: 'web',
  rules: [
    {
      id: 'web-read',
      effect: 'allow',
      principals: ['role:operator', 'user:alice'],
      actions: ['read', 'list'],
      resources: ['/app/web/**', '/app/*/public', '/app/db-*'],
      obligations: { ttlSeconds: 300 },
    },
    {
      id: 'no-keys',
      effect: 'deny',
      principals: ['*'],
      actions: ['read'],
      resources: ['/app/web/keys/**'],
    },
    {
      id: 'once',
      effect: 'allow',
      principals: ['group:ops'],
      actions: ['read'],
      resources: ['/app/web/**'],
      obligations: { ttlSeconds: 600, maxUses: 1 },
    },
    {
      id: 'operate',
      effect: 'allow',
      principals: ['role:admin'],
      actions: ['seal', 'audit-read'],
      resources: ['/'],
    },
  ],
}

const policy = compile([WEB])

test.each<[string, 'allow' | 'deny', string[]]>([
  ['/app/web/a', 'allow', ['web/web-read']],
  ['/app/web/a/b', 'allow', ['web/web-read']],
  ['/app/web', 'deny', []],
  ['/app/x/public', 'allow', ['web/web-read']],
  ['/app/x/y/public', 'deny', []],
  ['/app/db-', 'allow', ['web/web-read']],
  ['/app/db-1', 'allow', ['web/web-read']],
  ['/app/db-1/x', 'deny', []],
  ['/app/web/keys', 'allow', ['web/web-read']],
  ['/app/web/keys/tls', 'deny', ['web/no-keys']],
  ['app/web/a', 'deny', []],
  ['', 'deny', []],
  ['/app/web/../web/a', 'deny', []],
  ['/app/web//a', 'deny', []],
  ['/app/web/a/', 'deny', []],
])('alice reading %s: %s by %j', (resource, decision, rules) => {
  const subject = policy.subject(['user:alice'])
  expect(policy.decide({ subject, action: 'read', resource })).toMatchObject({ decision, rules })
})

describe('decide', () => {
  test('answers with the strictest obligations of all allows that hold', () => {
    const request = { action: 'read', resource: '/app/web/a' } as const
    expect(policy.decide({ ...request, subject: ['user:alice', 'group:ops'] })).toEqual({
      decision: 'allow',
      rules: ['web/web-read', 'web/once'],
      obligations: { ttlSeconds: 300, maxUses: 1 },
    })
    expect(policy.decide({ ...request, subject: ['group:ops'] }).obligations).toEqual({
      ttlSeconds: 600,
      maxUses: 1,
    })
    const denied = policy.decide({
      subject: ['user:alice'],
      action: 'read',
      resource: '/app/web/keys/a',
    })
    expect(denied).toEqual({ decision: 'deny', rules: ['web/no-keys'] })
  })

  test('asks administrative actions on the root', () => {
    const subject = policy.subject(['role:admin'])
    const allowed = (action: Action, resource: string): boolean =>
      policy.decide({ subject, action, resource }).decision === 'allow'
    expect(allowed('seal', '/')).toBe(true)
    expect(allowed('audit-read', '/')).toBe(true)
    expect(allowed('rotate', '/')).toBe(false)
    expect(allowed('audit-read', '/app')).toBe(false)
  })

  test('matches principals whole, and nobody without one', () => {
    const open = compile([
      {
        id: 'p',
        rules: [
          { id: 'all', effect: 'allow', principals: ['*'], actions: ['read'], resources: ['/**'] },
        ],
      },
    ])
    const reads = (compiled: CompiledPolicy, principals: string[], resource: string): boolean =>
      compiled.decide({ subject: principals, action: 'read', resource }).decision === 'allow'
    expect(reads(open, ['user:anyone'], '/a')).toBe(true)
    expect(reads(open, [], '/a')).toBe(false)
    for (const name of [
      'user:Alice',
      'user:alice ',
      'alice',
      'user:alice2',
      '*',
      'role:user:alice',
    ]) {
      expect(reads(policy, [name], '/app/web/a')).toBe(false)
    }
    expect(reads(policy, ['user:alice', 'user:alice', 'x:y'], '/app/web/a')).toBe(true)
  })

  test('does not notice that a list of principals is changed later', () => {
    const principals = ['user:bob']
    const subject = policy.subject(principals)
    principals.push('user:alice')
    expect(policy.decide({ subject, action: 'read', resource: '/app/web/a' }).decision).toBe('deny')
    expect(() => (subject.principals as string[]).push('user:alice')).toThrow(TypeError)
  })

  test('interns the subject of an older policy anew', () => {
    const old = policy.subject(['user:alice'])
    const strict = compile([{ id: 'none', rules: [] }])
    expect(strict.decide({ subject: old, action: 'read', resource: '/app/web/a' })).toEqual({
      decision: 'deny',
      rules: [],
    })
  })

  test('answers with what cannot be changed', () => {
    const request = { subject: ['user:alice', 'group:ops'], action: 'read' } as const
    for (const resource of ['/app/web/a', '/app/web/keys/a', '/none']) {
      const decision = policy.decide({ ...request, resource })
      expect(() => Object.assign(decision, { decision: 'allow', extra: 1 })).toThrow(TypeError)
      expect(Object.isFrozen(decision.rules)).toBe(true)
      expect(Object.isFrozen(decision.obligations ?? Object.freeze({}))).toBe(true)
    }
  })

  test('keeps deciding right with more subjects than it keeps starts for', () => {
    const rules = Array.from({ length: 5000 }, (_, index) => ({
      id: `r${index}`,
      effect: 'allow',
      principals: [`user:u${index}`],
      actions: ['read'],
      resources: [`/home/u${index}/**`],
    }))
    const homes = compile([{ id: 'homes', rules }], { maxKept: 3000 })
    const subjects = rules.map((_, index) => homes.subject([`user:u${index}`]))
    for (let round = 0; round < 2; round++) {
      for (const [index, subject] of subjects.entries()) {
        const own = { subject, action: 'read', resource: `/home/u${index}/a` } as const
        expect(homes.decide(own).decision).toBe('allow')
        expect(homes.decide({ ...own, resource: `/home/u${index + 1}/a` }).decision).toBe('deny')
      }
    }
  })

  test('evaluates more different conditions than it keeps outcomes for', () => {
    const rules = Array.from({ length: 200 }, (_, index) => ({
      id: `r${index}`,
      effect: index === 150 ? 'deny' : 'allow',
      principals: ['*'],
      actions: ['read'],
      resources: ['/**'],
      when: { door: [`door-${index}`] },
    }))
    const doors = compile([{ id: 'p', rules }])
    const through = (door?: string): readonly string[] => {
      const context = door === undefined ? {} : { door }
      return doors.decide({ subject: ['u:a'], action: 'read', resource: '/a', context }).rules
    }
    for (const index of [0, 149, 150, 199])
      expect(through(`door-${index}`)).toEqual([`p/r${index}`])
    expect(through('other')).toEqual([])
    expect(through()).toEqual(['p/r150'])
  })

  const good = { subject: ['user:alice'], action: 'read', resource: '/a' }
  test.each<[string, unknown]>([
    ['no request', undefined],
    ['null', null],
    ['no subject', { ...good, subject: undefined }],
    ['a subject that is text', { ...good, subject: 'user:alice' }],
    ['principals that are not text', { ...good, subject: [1] }],
    ['a subject without principals', { ...good, subject: {} }],
    ['an unknown action', { ...good, action: 'write' }],
    ['an inherited action', { ...good, action: 'constructor' }],
    ['no action', { ...good, action: undefined }],
    ['a list of actions', { ...good, action: ['read'] }],
    ['no resource', { ...good, resource: undefined }],
    ['a resource that is no text', { ...good, resource: ['/a'] }],
    ['a time that is a Date', { ...good, time: new Date(0) }],
    ['a time that is text', { ...good, time: '12:00' }],
    ['a context that is text', { ...good, context: 'http' }],
    ['a context that is null', { ...good, context: null }],
  ])('refuses %s', (_, request) => {
    expect(() => policy.decide(request as PolicyRequest)).toThrow(TypeError)
    expect(() => policy.explain(request as PolicyRequest)).toThrow(TypeError)
  })
})

describe('filter', () => {
  const rule = (id: string, effect: string, resources: string[], more: object = {}): object => ({
    id,
    effect,
    principals: ['*'],
    actions: ['read'],
    resources,
    ...more,
  })
  const rules = [
    rule('app', 'allow', ['/app/**']),
    rule('secret', 'deny', ['/app/*/secret']),
    rule('mfa', 'allow', ['/strong/**'], { when: { mfa: true } }),
    rule('own', 'allow', ['/home/**'], { when: { metadata: { owner: 'alice' } } }),
    rule('kept', 'deny', ['/app/kept/**'], { when: { metadata: { hold: 'yes' } } }),
    rule('one', 'allow', ['/one']),
    rule('none', 'deny', ['/app/none/**']),
  ]
  const filters = compile([{ id: 'p', rules }])
  const kind = (prefix: string, context?: object): string => {
    const answer = filters.filter(['u:a'], 'read', prefix, undefined, context)
    return typeof answer === 'string' ? answer : 'each'
  }

  test.each<[string, object | undefined, string]>([
    ['/', undefined, 'each'],
    ['/app', undefined, 'each'],
    ['/app/', undefined, 'each'],
    ['/app/web', undefined, 'each'],
    ['/app/web/conf', undefined, 'all'],
    ['/app/web/conf/', undefined, 'all'],
    ['/app/none', undefined, 'none'],
    ['/app/kept', undefined, 'each'],
    ['/app/kept', { metadata: {} }, 'each'],
    ['/app/kept/x', { metadata: {} }, 'all'],
    ['/app/kept/x', { metadata: { hold: 'yes' } }, 'none'],
    ['/strong', undefined, 'none'],
    ['/strong', { mfa: false }, 'none'],
    ['/strong', { mfa: true }, 'all'],
    ['/home', undefined, 'each'],
    ['/home', { metadata: { owner: 'bob' } }, 'none'],
    ['/home', { metadata: { owner: 'alice' } }, 'all'],
    ['/one', undefined, 'none'],
    ['/other', undefined, 'none'],
    ['app', undefined, 'none'],
    ['', undefined, 'none'],
    ['//', undefined, 'none'],
    ['/app/web/conf//', undefined, 'none'],
    ['/app/../app/web/conf', undefined, 'none'],
  ])('below %s in %j: %s', (prefix, context, expected) => {
    expect(kind(prefix, context)).toBe(expected)
  })

  test('takes the metadata of each entry, unless the context has them', () => {
    const home = filters.filter(['u:a'], 'read', '/home')
    if (typeof home === 'string') throw new Error(home)
    expect(home('/home/a', { owner: 'alice' })).toBe(true)
    expect(home('/home/a', { owner: 'bob' })).toBe(false)
    expect(home('/home/a')).toBe(false)
    expect(home('/elsewhere', { owner: 'alice' })).toBe(false)
    const kept = filters.filter(['u:a'], 'read', '/app/kept', undefined, { metadata: {} })
    if (typeof kept === 'string') throw new Error(kept)
    expect(kept('/app/kept/x', { hold: 'yes' })).toBe(true)
  })

  test.each<[string, unknown[]]>([
    ['no prefix', [['u:a'], 'read']],
    ['an unknown action', [['u:a'], 'write', '/']],
    ['no subject', [undefined, 'read', '/']],
    ['time as text', [['u:a'], 'read', '/', '12:00']],
    ['a null context', [['u:a'], 'read', '/', 0, null]],
  ])('refuses %s', (_, args) => {
    expect(() => (filters.filter as (...args: unknown[]) => unknown)(...args)).toThrow(TypeError)
  })
})

describe('actions', () => {
  test('are all listed, once', () => {
    // A new action does not compile until it is in this table.
    const all: Readonly<Record<Action, true>> = {
      list: true,
      'read-metadata': true,
      read: true,
      decrypt: true,
      'use-internal': true,
      watch: true,
      create: true,
      update: true,
      patch: true,
      'create-version': true,
      activate: true,
      delete: true,
      undelete: true,
      destroy: true,
      purge: true,
      'write-metadata': true,
      grant: true,
      account: true,
      policy: true,
      'policy-read': true,
      mount: true,
      'audit-read': true,
      seal: true,
      rotate: true,
      backup: true,
      export: true,
    }
    expect(ACTIONS).toEqual(Object.keys(all))
    expect(ACTIONS.every(isAction)).toBe(true)
    expect(isAction('write')).toBe(false)
    expect(ACTIONS.length).toBeLessThan(32)
    expectTypeOf<(typeof ACTIONS)[number]>().toEqualTypeOf<Action>()
  })

  test('do not stand for one another', () => {
    for (const granted of ACTIONS) {
      const rule = {
        id: 'r',
        effect: 'allow',
        principals: ['*'],
        actions: [granted],
        resources: ['/', '/**'],
      }
      const single = compile([{ id: 'p', rules: [rule] }])
      const allowed = ACTIONS.filter((action) => {
        return single.decide({ subject: ['u:a'], action, resource: '/a' }).decision === 'allow'
      })
      expect(allowed).toEqual([granted])
    }
  })
})
