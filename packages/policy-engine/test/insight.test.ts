import {
  ACTIONS,
  type Candidate,
  type CompiledPolicy,
  compile,
  type WhoCanRequest,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  action,
  context,
  documentsOf,
  pattern,
  place,
  principals,
  question,
  rules,
  SYSTEM_ZONE,
  time,
} from './arbitrary.ts'
import { naiveDecide, naiveMatch } from './naive.ts'
import { runs } from './runs.ts'

const rule = (id: string, effect: string, more: object): object => ({
  id,
  effect,
  principals: ['user:alice'],
  actions: ['read'],
  resources: ['/app/**'],
  ...more,
})

const DOCUMENTS = [
  {
    id: 'p',
    rules: [
      rule('ops', 'allow', {
        principals: ['group:ops', 'user:bob'],
        obligations: { ttlSeconds: 60 },
      }),
      rule('mfa', 'allow', { when: { mfa: true }, actions: ['read', 'list'] }),
      rule('public', 'allow', { principals: ['*'], resources: ['/app/public'] }),
      rule('no-bob', 'deny', { principals: ['user:bob'], resources: ['/app/keys/**'] }),
      rule('owner', 'allow', { when: { metadata: { owner: 'alice' } }, resources: ['/own/*'] }),
    ],
  },
]

const policy = compile(DOCUMENTS)

describe('whoCan', () => {
  test('names the principals of the rules that match', () => {
    const grant = { rules: ['p/ops'], obligations: { ttlSeconds: 60 } }
    expect(policy.whoCan({ action: 'read', resource: '/app/web' })).toEqual([
      { principal: 'group:ops', ...grant },
      { principal: 'user:bob', ...grant },
    ])
    expect(policy.whoCan({ action: 'read', resource: '/app/keys/tls' })).toEqual([
      { principal: 'group:ops', ...grant },
    ])
    expect(policy.whoCan({ action: 'list', resource: '/app/web', context: { mfa: true } })).toEqual(
      [{ principal: 'user:alice', rules: ['p/mfa'] }],
    )
  })

  test('names everybody where everybody is allowed', () => {
    expect(policy.whoCan({ action: 'read', resource: '/app/public' })).toEqual([
      { principal: '*', rules: ['p/public'] },
      { principal: 'group:ops', rules: ['p/ops', 'p/public'], obligations: { ttlSeconds: 60 } },
      { principal: 'user:alice', rules: ['p/public'] },
      { principal: 'user:bob', rules: ['p/ops', 'p/public'], obligations: { ttlSeconds: 60 } },
    ])
  })

  test('keeps what its caller knows of candidates', () => {
    const candidates = [
      { subject: ['user:alice'], login: 'alice' },
      { subject: policy.subject(['user:bob', 'group:ops']), login: 'bob' },
      { subject: ['user:carol', 'group:ops'], login: 'carol' },
    ]
    expect(policy.whoCan({ action: 'read', resource: '/app/keys/tls' }, candidates)).toEqual([
      { candidate: candidates[2], rules: ['p/ops'], obligations: { ttlSeconds: 60 } },
    ])
  })

  test('equals asking for each', () => {
    const subjects = fc.array(principals, { maxLength: 6 })
    fc.assert(
      fc.property(rules, question, subjects, (list, { principals: _, ...request }, named) => {
        const documents = documentsOf(list)
        const own = compile(documents, { systemZone: SYSTEM_ZONE })
        const allowed = (of: string[]): boolean =>
          naiveDecide(documents, { principals: of, ...request }).decision === 'allow'
        const matching = list.filter(
          ({ actions, resources }) =>
            actions.includes(request.action) &&
            resources.some((text) => naiveMatch(text, request.resource)),
        )
        const known = new Set(['*', ...matching.flatMap((item) => item.principals)])
        const grants = own.whoCan(request)
        expect(grants.map((grant) => grant.principal)).toEqual(
          [...known].filter((principal) => allowed([principal])).sort(),
        )
        for (const { principal, ...grant } of grants) {
          const expected = naiveDecide(documents, { principals: [principal], ...request })
          expect({ decision: 'allow', ...grant }).toEqual(expected)
        }
        const candidates = named.map((subject) => ({ subject }))
        expect(own.whoCan(request, candidates).map(({ candidate }) => candidate)).toEqual(
          candidates.filter(({ subject }) => allowed(subject)),
        )
      }),
      { numRuns: 1000 },
    )
  })
})

describe('whatCan', () => {
  test('lists what names the subject, and what is unmet', () => {
    expect(policy.whatCan(['user:alice'], { context: { metadata: { owner: 'bob' } } })).toEqual({
      allows: [
        {
          rule: 'p/mfa',
          effect: 'allow',
          applies: false,
          unmet: [{ clause: 'when', condition: 'mfa', wants: 'true', unknown: true }],
          actions: ['read', 'list'],
          resources: ['/app/**'],
        },
        {
          rule: 'p/public',
          effect: 'allow',
          applies: true,
          unmet: [],
          actions: ['read'],
          resources: ['/app/public'],
        },
        {
          rule: 'p/owner',
          effect: 'allow',
          applies: false,
          unmet: [{ clause: 'when', condition: 'metadata', wants: 'owner = alice' }],
          actions: ['read'],
          resources: ['/own/*'],
        },
      ],
      denies: [],
      sources: [],
    })
  })

  test('shows denials only when asked to', () => {
    expect(policy.whatCan(['user:bob']).denies).toEqual([])
    expect(JSON.stringify(policy.whatCan(['user:bob']))).not.toContain('no-bob')
    const { allows, denies } = policy.whatCan(policy.subject(['user:bob']), { denials: true })
    expect(allows.map((item) => [item.rule, item.obligations])).toEqual([
      ['p/ops', { ttlSeconds: 60 }],
      ['p/public', undefined],
    ])
    expect(denies.map((item) => [item.rule, item.applies])).toEqual([['p/no-bob', true]])
    expect(policy.whatCan([], { denials: true })).toEqual({
      allows: [],
      denies: [],
      sources: [],
    })
  })

  test('agrees with decide', () => {
    const paths = fc.array(place, { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(rules, principals, context, time, paths, (list, named, known, at, asked) => {
        const own = compile(documentsOf(list), { systemZone: SYSTEM_ZONE })
        const facts = { time: at, context: known }
        const { allows, denies } = own.whatCan(named, { ...facts, denials: true })
        const speak = (of: typeof allows, wanted: string, resource: string): string[] =>
          of
            .filter((item) => item.applies && item.actions.some((name) => name === wanted))
            .filter((item) => item.resources.some((text) => naiveMatch(text, resource)))
            .map((item) => item.rule)
        for (const resource of asked) {
          for (const wanted of ['read', 'export'] as const) {
            const decision = own.decide({ subject: named, action: wanted, resource, ...facts })
            const fired = speak(denies, wanted, resource)
            expect(decision.rules).toEqual(
              fired.length > 0 ? fired : speak(allows, wanted, resource),
            )
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('all answers about one policy', () => {
  test('never disagree', () => {
    const asked = fc.record({
      named: principals,
      action,
      resource: place,
      area: pattern,
      time,
      context,
    })
    fc.assert(
      fc.property(rules, asked, (list, { named, resource, area, ...request }) => {
        const own = compile(documentsOf(list), { systemZone: SYSTEM_ZONE })
        const subject = own.subject(named)
        const allowed = own.decide({ subject, resource, ...request }).decision === 'allow'
        expect(own.explain({ subject, resource, ...request }).decision === 'allow').toBe(allowed)
        expect(own.whoCan({ resource, ...request }, [{ subject }]).length === 1).toBe(allowed)
        const parent = resource.slice(0, Math.max(1, resource.lastIndexOf('/')))
        if (resource !== '/') {
          const filter = own.filter(subject, request.action, parent, request.time, request.context)
          expect(typeof filter === 'function' ? filter(resource) : filter === 'all').toBe(allowed)
        }
        const { allows } = own.whatCan(subject, request)
        const listed = allows.some(
          (item) =>
            item.applies &&
            item.actions.includes(request.action) &&
            item.resources.some((text) => naiveMatch(text, resource)),
        )
        if (allowed) expect(listed).toBe(true)
        const facts = { time: request.time, context: request.context }
        const obligations = { ttlSeconds: 1, maxUses: 1 }
        if (own.covers(subject, request.action, area, { ...facts, obligations })) {
          if (naiveMatch(area, resource)) expect(allowed).toBe(true)
        }
      }),
      { numRuns: runs(3000) },
    )
  })
})

describe('arguments', () => {
  const bad = policy as unknown as Record<keyof CompiledPolicy, (...args: unknown[]) => unknown>
  test.each([
    [{ action: 'fly', resource: '/' }],
    [{ action: 'read', resource: 1 }],
    [{ action: 'read', resource: '/', time: 'now' }],
    [{ action: 'read', resource: '/', context: 1 }],
    [{ action: 'read', resource: '/' }, 'user:alice'],
    [{ action: 'read', resource: '/' }, [{ subject: 'user:alice' }]],
    [{ action: 'read', resource: '/' }, [undefined]],
    [undefined],
  ])('whoCan(%j, %j) is refused', (...args) => {
    expect(() => bad.whoCan(...args)).toThrow(TypeError)
  })

  test.each([
    ['user:alice'],
    [undefined],
    [['a'], { time: 'now' }],
    [['a'], { context: null }],
    [['a'], null],
  ])('whatCan(%j, %j) is refused', (...args) => {
    expect(() => bad.whatCan(...args)).toThrow(TypeError)
  })

  test('nobody is named for what is no resource', () => {
    const all = compile([
      {
        id: 'p',
        rules: [
          {
            id: 'all',
            effect: 'allow',
            principals: ['*', 'user:a'],
            actions: ACTIONS,
            resources: ['/', '/**'],
          },
        ],
      },
    ])
    const request = (resource: string): WhoCanRequest => ({ action: 'read', resource })
    expect(all.whoCan(request('/a'))).toHaveLength(2)
    const everybody: Candidate[] = [{ subject: ['user:a'] }]
    for (const resource of ['', 'a', '/a/', '/a//b', '/../b']) {
      expect(all.whoCan(request(resource))).toEqual([])
      expect(all.whoCan(request(resource), everybody)).toEqual([])
    }
  })
})
