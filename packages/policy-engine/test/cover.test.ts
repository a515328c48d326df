import {
  type CompiledPolicy,
  type CoverOptions,
  compile,
  type PolicyConditions,
  PolicyError,
  type PolicyRule,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  action,
  context,
  documentsOf,
  pathPattern,
  pattern,
  place,
  principals,
  rule,
  rules,
  SYSTEM_ZONE,
  time,
} from './arbitrary.ts'
import { naiveDecide, naiveMatch } from './naive.ts'
import { assertOften, runs } from './runs.ts'
import { textWork } from './text-work.ts'

type Draft = Omit<Partial<PolicyRule>, 'id'>

const ALICE = ['user:alice', 'group:ops']

function policyOf(...drafts: Draft[]): CompiledPolicy {
  return compile(
    documentsOf(
      drafts.map((draft) => ({
        effect: 'allow',
        principals: ['user:alice'],
        actions: ['read'],
        resources: ['/app/**'],
        ...draft,
      })),
    ),
    { systemZone: SYSTEM_ZONE },
  )
}

const covers = (policy: CompiledPolicy, asked: string, options?: CoverOptions): boolean =>
  policy.covers(ALICE, 'read', asked, options)

describe('covers', () => {
  test.each<[string, string[], boolean]>([
    ['/app/**', ['/app/**'], true],
    ['/app/web/**', ['/app/**'], true],
    ['/app/db-*', ['/app/**'], true],
    ['/app', ['/app/**'], false],
    ['/**', ['/app/**'], false],
    ['/app/*', ['/app/a', '/app/b'], false],
    ['/app/**', ['/app/*', '/app/*/**'], true],
    ['/app/**', ['/app/*', '/app/*/*', '/app/*/*/**'], true],
    ['/app/**', ['/app/*', '/app/*/*/**'], false],
    ['/app/**', ['/app/*/**'], false],
    ['/app/a*b', ['/app/*b'], true],
    ['/app/*b', ['/app/a*b'], false],
    ['/', ['/**'], false],
    ['/', ['/', '/**'], true],
  ])('%s by %j: %s', (asked, resources, expected) => {
    expect(covers(policyOf({ resources }), asked)).toBe(expected)
  })

  test('joins what the subject has by several principals', () => {
    const policy = policyOf(
      { resources: ['/app/*'] },
      { principals: ['group:ops'], resources: ['/app/*/*'] },
      { principals: ['*'], resources: ['/app/*/*/**'] },
    )
    expect(covers(policy, '/app/**')).toBe(true)
    expect(policy.covers(['user:alice'], 'read', '/app/**')).toBe(false)
    expect(policy.covers(policy.subject(ALICE), 'list', '/app/**')).toBe(false)
    expect(policy.covers([], 'read', '/app/a/b/c/**')).toBe(false)
  })

  test.each<[string, PolicyConditions, CoverOptions, boolean]>([
    ['a condition that is not handed on', { mfa: true }, {}, false],
    ['the same condition', { mfa: true }, { when: { mfa: true } }, true],
    ['more conditions', { mfa: true }, { when: { mfa: true, door: ['http'] } }, true],
    ['fewer conditions', { mfa: true, door: ['http'] }, { when: { mfa: true } }, false],
    ['a narrower range', { ip: ['10.0.0.0/8'] }, { when: { ip: ['10.1.0.0/16'] } }, true],
    ['a wider range', { ip: ['10.1.0.0/16'] }, { when: { ip: ['10.0.0.0/8'] } }, false],
    ['what holds now', { mfa: true }, { context: { mfa: true } }, true],
    ['what does not hold now', { mfa: true }, { context: { mfa: false } }, false],
  ])('an allow counts by its conditions: %s', (_, when, options, expected) => {
    expect(covers(policyOf({ when }), '/app/**', options)).toBe(expected)
  })

  test.each<[string, PolicyConditions, CoverOptions, boolean]>([
    ['not handed on', { door: ['http'] }, {}, false],
    ['handed on', { door: ['http'] }, { unless: { door: ['http'] } }, true],
    ['a wider one handed on', { door: ['http'] }, { unless: { door: ['http', 'kv'] } }, true],
    ['a narrower one handed on', { door: ['http', 'kv'] }, { unless: { door: ['kv'] } }, false],
    ['excluded', { door: ['http'] }, { when: { door: ['kv'] } }, true],
    ['does not hold now', { door: ['http'] }, { context: { door: 'kv' } }, true],
    ['part of it handed on', { door: ['kv'], mfa: true }, { unless: { mfa: true } }, true],
  ])('an exception of an allow: %s', (_, unless, options, expected) => {
    expect(covers(policyOf({ unless }), '/app/**', options)).toBe(expected)
  })

  test.each<[string, Draft, CoverOptions, boolean]>([
    ['elsewhere', { resources: ['/other/**'] }, {}, true],
    ['of another action', { actions: ['list'] }, {}, true],
    ['of somebody else', { principals: ['user:bob'] }, {}, true],
    ['of everybody', { principals: ['*'] }, {}, false],
    ['of one path in it', { resources: ['/app/web/key'] }, {}, false],
    ['that crosses it', { resources: ['/*/web/k*y'] }, {}, false],
    ['beside it', { resources: ['/app'] }, {}, true],
    ['that fires where unknown', { when: { mfa: false } }, {}, false],
    ['that cannot fire then', { when: { mfa: false } }, { when: { mfa: true } }, true],
    ['that cannot fire now', { when: { mfa: false } }, { context: { mfa: true } }, true],
    ['that the same condition lifts', { unless: { mfa: true } }, { when: { mfa: true } }, true],
    [
      'that half of a condition lifts',
      { unless: { mfa: true, door: ['kv'] } },
      { when: { mfa: true } },
      false,
    ],
    // Where it is unknown, the grant holds and the deny fires.
    ['of what the grant excepts', { when: { mfa: false } }, { unless: { mfa: false } }, false],
    [
      'of no time at all, which fires where time is unknown',
      { when: { time: { from: '09:00', to: '09:00' } } },
      {},
      false,
    ],
  ])('a deny %s', (_, draft, options, expected) => {
    expect(covers(policyOf({}, { effect: 'deny', ...draft }), '/app/**', options)).toBe(expected)
  })

  test.each<[Draft['obligations'], CoverOptions['obligations'], boolean]>([
    [{ ttlSeconds: 60 }, undefined, false],
    [{ ttlSeconds: 60 }, { ttlSeconds: 60 }, true],
    [{ ttlSeconds: 60 }, { ttlSeconds: 30 }, true],
    [{ ttlSeconds: 60 }, { ttlSeconds: 90 }, false],
    [{ ttlSeconds: 60 }, { maxUses: 1 }, false],
    [{ maxUses: 2 }, { ttlSeconds: 1, maxUses: 2 }, true],
    [undefined, undefined, true],
    [undefined, { maxUses: 1 }, true],
  ])('who is obliged to %j hands on %j: %s', (own, obligations, expected) => {
    const duties = own === undefined ? {} : { obligations: own }
    const options = obligations === undefined ? {} : { obligations }
    expect(covers(policyOf(duties), '/app/**', options)).toBe(expected)
    // The strictest of all allows holds, so one allow without them does not lift them.
    expect(covers(policyOf({}, { ...duties, resources: ['/app/a/*'] }), '/app/**', options)).toBe(
      expected,
    )
  })

  test('reads windows that name no zone as the policy does', () => {
    const window = { from: '09:00', to: '17:00' }
    const policy = policyOf({ when: { time: { ...window, zone: SYSTEM_ZONE } } })
    expect(covers(policy, '/app/**', { when: { time: window } })).toBe(true)
    expect(covers(policy, '/app/**', { when: { time: { ...window, zone: 'Etc/UTC' } } })).toBe(
      false,
    )
  })

  test('is certain: every request that the granted rule would allow is allowed', () => {
    let covered = 0
    const options = rule.map(({ when, unless, obligations }) => ({
      ...(when === undefined ? {} : { when }),
      ...(unless === undefined ? {} : { unless }),
      ...(obligations === undefined ? {} : { obligations }),
    }))
    const facts = fc.record({ time, context }, { requiredKeys: [] })
    const moments = fc.array(fc.tuple(context, time, place), { minLength: 30, maxLength: 30 })
    assertOften(
      fc.property(
        fc.record({ list: rules, named: principals, action, asked: pattern, options, facts }),
        moments,
        ({ list, named, action: wanted, asked, options: granted, facts: fixed }, requests) => {
          const documents = documentsOf([
            ...list,
            {
              effect: 'allow',
              principals: named.slice(0, 1).concat('user:x'),
              actions: [wanted],
              resources: ['/**', 'yaml://**'],
              ...granted,
            },
          ])
          const policy = compile(documents, { systemZone: SYSTEM_ZONE })
          if (!policy.covers(named, wanted, asked, { ...granted, ...fixed })) return
          covered++
          const grant = documentsOf([
            {
              effect: 'allow',
              principals: ['*'],
              actions: [wanted],
              resources: [asked],
              ...granted,
            },
          ])
          for (const [more, at, resource] of requests) {
            if (!naiveMatch(asked, resource)) continue
            const known = { context: { ...more, ...fixed.context }, time: fixed.time ?? at }
            const request = { principals: named, action: wanted, resource, ...known }
            const theirs = naiveDecide(grant, request)
            if (theirs.decision === 'deny') continue
            const ours = naiveDecide(documents, request)
            expect(ours.decision).toBe('allow')
            const { ttlSeconds = Number.POSITIVE_INFINITY, maxUses = Number.POSITIVE_INFINITY } =
              theirs.obligations ?? {}
            expect(ours.obligations?.ttlSeconds ?? ttlSeconds).toBeGreaterThanOrEqual(
              Math.min(ttlSeconds, 1e9),
            )
            expect(ours.obligations?.maxUses ?? maxUses).toBeGreaterThanOrEqual(
              Math.min(maxUses, 1e9),
            )
          }
        },
      ),
      runs(4000),
      () => covered,
      100,
    )
  })

  test('is exact where nothing has a condition or a deny', () => {
    const plain = rules.map((list) =>
      list
        .filter(({ effect }) => effect === 'allow')
        .map(({ when: _, unless: __, obligations: ___, ...rest }) => rest),
    )
    const universe = (depth: number): string[] =>
      depth === 0
        ? ['']
        : universe(depth - 1).flatMap((head) =>
            [
              'a',
              'b',
              'ab',
              'aab',
              'abab',
              'c1',
              'bzb',
              'azb',
              'zazbz',
              'cz',
              'az',
              'zb',
              'z',
              'zaz',
              'azbz',
              'zbzb',
              'abb',
              'ba',
              'c2',
            ].map((tail) => `${head}/${tail}`),
          )
    const all = ['/', ...universe(1), ...universe(2), ...universe(3)]
    fc.assert(
      fc.property(plain, principals, pathPattern, (list, named, asked) => {
        fc.pre(asked.split('/').length <= 3)
        const documents = documentsOf(list)
        const policy = compile(documents)
        const subject = policy.subject(named)
        const every = all
          .filter((resource) => naiveMatch(asked, resource))
          .every(
            (resource) => policy.decide({ subject, action: 'read', resource }).decision === 'allow',
          )
        // Deeper patterns than the universe can only be missed there.
        const deep = list.some(({ resources }) =>
          resources.some((text) => text.startsWith('/') && text.split('/').length > 4),
        )
        if (!deep || !every) expect(policy.covers(named, 'read', asked)).toBe(every)
      }),
      { numRuns: 400 },
    )
  })

  test('takes little work for each of ten thousand rules that an attacker wrote', () => {
    const count = 10_000
    const glob = (index: number): string => `/${'a*'.repeat(200)}${index}/**`
    const policy = policyOf(
      {},
      ...Array.from(
        { length: count },
        (_, index): Draft => ({ effect: 'deny', resources: [glob(index)] }),
      ),
    )
    const work = textWork(() => {
      expect(covers(policy, `/app/${'a*'.repeat(250)}`)).toBe(true)
      expect(covers(policy, `/${'a*'.repeat(250)}/**`)).toBe(false)
    })
    expect(work).toBeLessThan(30 * count)
  })
})

describe('arguments of covers', () => {
  const policy = policyOf({})
  test.each<[string, unknown[]]>([
    ['subject', ['user:alice', 'read', '/a']],
    ['action', [ALICE, 'fly', '/a']],
    ['pattern', [ALICE, 'read', 1]],
    ['time', [ALICE, 'read', '/a', { time: 'now' }]],
    ['context', [ALICE, 'read', '/a', { context: 'kernel' }]],
    ['options', [ALICE, 'read', '/a', null]],
  ])('%s of the wrong type', (_, args) => {
    const call = policy.covers.bind(policy) as (...args: unknown[]) => unknown
    expect(() => call(...args)).toThrow(TypeError)
  })

  test.each<[object, string, string]>([
    [{ when: {} }, 'ERR_POLICY_CONDITION', '/when'],
    [{ when: { weekday: 'monday' } }, 'ERR_POLICY_CONDITION', '/when/weekday'],
    [{ unless: { ip: ['10.0.0.0/33'] } }, 'ERR_POLICY_CONDITION', '/unless/ip/0'],
    [{ obligations: { ttlSeconds: 0 } }, 'ERR_POLICY_OBLIGATION', '/obligations/ttlSeconds'],
  ])('%j is refused as by compile', (options, code, pointer) => {
    const caught = (() => {
      try {
        return covers(policy, '/app/a', options as CoverOptions)
      } catch (error) {
        return error
      }
    })()
    expect(PolicyError.is(caught)).toBe(true)
    expect(caught).toMatchObject({ code, pointer })
  })
})
