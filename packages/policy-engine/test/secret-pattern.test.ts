import {
  compile,
  contains,
  diff,
  intersects,
  isForeignSecret,
  lint,
  PolicyError,
  type PolicyRule,
  witness,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ACTIONS_USED, documentsOf, path, pattern, question, rules, secret } from './arbitrary.ts'
import { naiveMatch } from './naive.ts'

type Draft = Partial<Omit<PolicyRule, 'id'>>

const ALICE = ['user:alice']

function documentOf(...drafts: readonly Draft[]) {
  const allow = { effect: 'allow', principals: ALICE, actions: ['read'] } as const
  return {
    id: 'p',
    rules: drafts.map((draft, at) => ({ id: `r${at}`, resources: ['/**'], ...allow, ...draft })),
  }
}

function mistakeIn(resource: string): string | undefined {
  try {
    compile([documentOf({ resources: [resource] })])
    return undefined
  } catch (error) {
    if (!PolicyError.is(error)) throw error
    expect([error.code, error.pointer]).toEqual(['ERR_POLICY_PATTERN', '/rules/0/resources/0'])
    return error.message
  }
}

describe('a pattern of secrets that are kept elsewhere', () => {
  test.each([
    'openbao+kv2://secret/app/api',
    'hashicorp+kv2://secret/app/*',
    'yaml://secret/app/**',
    'yaml://*/db-*-*',
    'yaml://**',
    'yaml://secret/**',
    `yaml://m${'/a'.repeat(31)}`,
    `yaml://m/${'a'.repeat(128)}`,
  ])('%s is one', (text) => {
    expect(mistakeIn(text)).toBeUndefined()
    expect(isForeignSecret(witness(text))).toBe(true)
    expect(contains(text, text)).toBe(true)
  })

  test.each([
    ['secreg://kv/app', 'write the path of the entry'],
    ['SECREG://kv/app', 'write the path of the entry'],
    ['OpenBao+KV2://secret/app', 'none of the schemes'],
    ['openbao://secret/app', 'none of the schemes'],
    ['https://secret/app', 'none of the schemes'],
    ['://secret/app', 'none of the schemes'],
    ['yaml://secret', 'a mount alone'],
    ['yaml://*', 'a mount alone'],
    ['yaml://', 'an empty segment'],
    ['yaml:///env', 'an empty segment'],
    ['yaml://secret//env', 'an empty segment'],
    ['yaml://secret/env/', 'an empty segment'],
    ['yaml://secret/env#key', 'no secret URI can have'],
    ['yaml://secret/env?version=1', 'no secret URI can have'],
    ['yaml://secret/a b', 'no secret URI can have'],
    ['yaml://secret/é', 'no secret URI can have'],
    ['yaml://secret/a%2Fb', 'no secret URI can have'],
    ['yaml://secret/**/a', 'only as its whole last segment'],
    ['yaml://secret/a**', 'only as its whole last segment'],
    ['yaml://secret/./a', 'a "." segment'],
    ['yaml://secret/../a', 'a "." segment'],
    ['yaml://secret/a..*', 'a "." segment'],
    [`yaml://m${'/a'.repeat(32)}`, 'more than 32 segments'],
    [`yaml://m/${'a'.repeat(129)}`, 'longer than 128'],
    [`yaml://${Array.from({ length: 17 }, () => 'a'.repeat(128)).join('/')}`, 'longer than 2048'],
    ['yaml:/secret/env', 'must begin with "/"'],
  ])('%s is none', (text, why) => {
    expect(mistakeIn(text)).toContain(why)
    expect(() => witness(text)).toThrow(RangeError)
  })

  test.each([
    ['/**', 'yaml://secret/env', false, false],
    ['yaml://**', '/secret/env', false, false],
    ['yaml://**', 'openbao+kv2://secret/env', false, false],
    ['yaml://**', 'yaml://secret/env', true, true],
    ['yaml://**', 'yaml://*/**', true, true],
    ['yaml://*/**', 'yaml://**', true, true],
    ['yaml://secret/*', 'yaml://secret/a-*', true, true],
    ['yaml://secret/a-*', 'yaml://secret/*', false, true],
    ['yaml://secret/*', 'yaml://secret/a/b', false, false],
  ])('%s contains %s: %j, meets it: %j', (outer, inner, holds, meets) => {
    expect(contains(outer, inner)).toBe(holds)
    expect([intersects(outer, inner), intersects(inner, outer)]).toEqual([meets, meets])
  })

  test('contains and meets as all secrets of a small universe say', () => {
    const secrets = fc.array(secret, { minLength: 20, maxLength: 20 })
    fc.assert(
      fc.property(pattern, pattern, secrets, (a, b, all) => {
        const both = all.filter((one) => naiveMatch(a, one) && naiveMatch(b, one))
        if (both.length > 0) expect(intersects(a, b)).toBe(true)
        if (contains(a, b)) {
          for (const one of [...all, witness(b)]) {
            if (naiveMatch(b, one)) expect(naiveMatch(a, one)).toBe(true)
          }
        }
        expect(naiveMatch(a, witness(a))).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('paths and secrets elsewhere', () => {
  const policy = compile([
    documentOf(
      { resources: ['/**'] },
      { resources: ['yaml://secret/app/*'], when: { metadata: { owner: 'alice' } } },
      { resources: ['openbao+kv2://secret/**', '/security/**'], effect: 'deny' },
      { resources: ['openbao+kv2://**'] },
    ),
  ])
  const decide = (resource: string, context = {}) =>
    policy.decide({ subject: ALICE, action: 'read', resource, context })

  test.each([
    ['/secret/app/a', 'allow', ['p/r0']],
    ['/security/a', 'deny', ['p/r2']],
    ['yaml://secret/app/a', 'deny', []],
    ['yaml://secret/app/a#key', 'deny', []],
    ['yaml://secret', 'deny', []],
    ['openbao+kv2://secret/app/a', 'deny', ['p/r2']],
    ['openbao+kv2://other/app/a', 'allow', ['p/r3']],
    ['hashicorp+kv2://other/app/a', 'deny', []],
    ['secreg://other/app/a', 'deny', []],
    ['OPENBAO+KV2://other/app/a', 'deny', []],
  ])('%s: %s by %j', (resource, decision, rules) => {
    expect(decide(resource)).toEqual({ decision, rules })
  })

  test('conditions about metadata see those of a secret elsewhere', () => {
    const told = decide('yaml://secret/app/a', { metadata: { owner: 'alice' } })
    expect(told).toEqual({ decision: 'allow', rules: ['p/r1'] })
    const request = { subject: ALICE, action: 'read', resource: 'yaml://secret/app/a' } as const
    expect(policy.explain(request)).toMatchObject({
      reason: 'condition not met',
      rules: [{ rule: 'p/r1', unmet: [{ condition: 'metadata' }] }],
    })
  })

  test('nobody covers in one what he has in the other', () => {
    const covers = (asked: string): boolean => policy.covers(ALICE, 'read', asked)
    expect(covers('/app/**')).toBe(true)
    expect(covers('openbao+kv2://other/**')).toBe(true)
    expect(covers('openbao+kv2://**')).toBe(false)
    expect(covers('openbao+kv2://secret/a')).toBe(false)
    expect(covers('hashicorp+kv2://other/**')).toBe(false)
    expect(covers('yaml://secret/app/*')).toBe(false)
    const granted = { when: { metadata: { owner: 'alice' } } }
    expect(policy.covers(ALICE, 'read', 'yaml://secret/app/a', granted)).toBe(true)
  })

  test('who can, and what somebody can', () => {
    const who = (resource: string) =>
      policy.whoCan({ action: 'read', resource }).map(({ principal }) => principal)
    expect(who('openbao+kv2://other/app')).toEqual(ALICE)
    expect(who('openbao+kv2://secret/app')).toEqual([])
    expect(who('hashicorp+kv2://other/app')).toEqual([])
    const { allows } = policy.whatCan(ALICE)
    expect(allows.map(({ rule }) => rule)).toEqual(['p/r0', 'p/r1', 'p/r3'])
  })

  test('filters answer for mounts, folders and whole schemes', () => {
    const filter = (prefix: string) => policy.filter(ALICE, 'read', prefix, 0, {})
    expect(filter('openbao+kv2://secret')).toBe('none')
    expect(filter('openbao+kv2://other')).toBe('all')
    expect(filter('openbao+kv2://other/')).toBe('all')
    expect(filter('openbao+kv2://other/app')).toBe('all')
    expect(filter('hashicorp+kv2://')).toBe('none')
    expect(filter('https://')).toBe('none')
    expect(filter('openbao+kv2://other//')).toBe('none')
    const some = filter('openbao+kv2://')
    if (typeof some !== 'function') throw new Error('expected one answer for each')
    expect([some('openbao+kv2://other/a'), some('openbao+kv2://secret/a')]).toEqual([true, false])
    const owned = filter('yaml://secret/app')
    if (typeof owned !== 'function') throw new Error('expected one answer for each')
    expect(owned('yaml://secret/app/a', { owner: 'alice' })).toBe(true)
    expect(owned('yaml://secret/app/a', { owner: 'bob' })).toBe(false)
  })

  test('rules of other systems do not speak of secrets elsewhere', () => {
    const rule = { permissions: ['secret:read-secure'], secrets: ['*'] }
    const other = { id: 'v', source: 'libvirt', principals: ['*'], mount: '/', rules: [rule] }
    const both = compile([documentOf({ resources: ['yaml://**'] }), other])
    const request = { subject: ALICE, action: 'read', resource: 'yaml://a/b' } as const
    expect(both.decide(request)).toEqual({ decision: 'allow', rules: ['p/r0'] })
    expect(both.covers(ALICE, 'read', 'yaml://**')).toBe(true)
    expect(both.filter(ALICE, 'read', 'yaml://a')).toBe('all')
    expect(() => compile([{ ...other, mount: 'yaml://a/b' }])).toThrow(PolicyError)
  })

  test('lint compares rules where they meet alone', () => {
    const found = lint([
      documentOf(
        { resources: ['/**'] },
        { resources: ['yaml://a/**'] },
        { resources: ['yaml://a/b'] },
        { resources: ['openbao+kv2://a/b'] },
        { resources: ['hashicorp+kv2://**'], principals: ['*'] },
        { resources: ['openbao+kv2://c/*'], effect: 'deny' },
        { resources: ['openbao+kv2://c/d', 'yaml://z/z'] },
      ),
    ]).map(({ code, rule, pointer }) => `${code} ${rule} ${pointer}`)
    expect(found).toEqual([
      'shadowed p/r2 /rules/2',
      'over-broad p/r4 /rules/4/resources/0',
      'contradictory p/r6 /rules/6/resources/0',
    ])
  })

  test('diff names secrets elsewhere as witnesses', () => {
    const after = documentOf({}, { resources: ['openbao+kv2://secret/app/*'] })
    const { changes, complete } = diff([documentOf({})], [after])
    expect(complete).toBe(true)
    expect(changes).toEqual([
      expect.objectContaining({
        principals: ALICE,
        resource: 'openbao+kv2://secret/app/x',
        patterns: ['openbao+kv2://secret/app/*'],
      }),
    ])
  })

  test('documents of both decide as those of each alone', () => {
    const places = fc.array(fc.oneof(path, secret), { minLength: 5, maxLength: 10 })
    fc.assert(
      fc.property(rules, question, places, (list, { principals, time, context }, asked) => {
        const only = (isWanted: (text: string) => boolean) =>
          documentsOf(
            list.flatMap((rule) => {
              const resources = rule.resources.filter(isWanted)
              return resources.length === 0 ? [] : [{ ...rule, resources }]
            }),
          )
        const isOfPaths = (text: string): boolean => text.startsWith('/')
        const mixed = compile(documentsOf(list))
        const split = [compile(only(isOfPaths)), compile(only((text) => !isOfPaths(text)))]
        for (const resource of asked) {
          for (const action of ACTIONS_USED) {
            const request = { subject: principals, action, resource, time, context }
            const effects = [mixed, ...split].map((one) => {
              const { decision, obligations } = one.decide(request)
              return JSON.stringify([decision, obligations])
            })
            const [own, other] = isOfPaths(resource) ? [1, 2] : [2, 1]
            expect(effects[own]).toBe(effects[0])
            expect(split[other - 1]?.decide(request).rules).toEqual([])
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
