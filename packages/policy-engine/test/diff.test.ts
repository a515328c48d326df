import {
  compile,
  type DiffOptions,
  diff,
  type PolicyDiff,
  type PolicyDocument,
  PolicyError,
  type PolicyRule,
} from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'
import { textWork } from './text-work.ts'

type Draft = Omit<Partial<PolicyRule>, 'id'>

const documentsOf = (...drafts: Draft[]): PolicyDocument[] => [
  {
    id: 'p',
    rules: drafts.map((draft, index) => ({
      id: `r${index}`,
      effect: 'allow',
      principals: ['user:alice'],
      actions: ['read'],
      resources: ['/app/**'],
      ...draft,
    })),
  },
]

const deny = (draft: Draft): Draft => ({ effect: 'deny', ...draft })

/** Changes as short texts: `principals actions resource before → after`. */
const brief = ({ changes, complete }: PolicyDiff): string[] => {
  expect(complete).toBe(true)
  return changes.map(({ principals, actions, resource, before, after }) =>
    [principals, actions, resource, before.decision, '→', after.decision].join(' '),
  )
}

describe('diff', () => {
  test.each<[string, Draft[], Draft[], string[]]>([
    ['nothing', [{}], [{}], []],
    ['a new rule', [], [{}], ['user:alice read /app/x deny → allow']],
    ['a rule less', [{}], [], ['user:alice read /app/x allow → deny']],
    [
      'another order',
      [{}, deny({ resources: ['/app/a'] })],
      [deny({ resources: ['/app/a'] }), {}],
      [],
    ],
    ['a rule that others cover', [{}], [{}, { resources: ['/app/a*'] }], []],
    [
      'two rules for one',
      [{ resources: ['/app/a', '/app/b'] }],
      [{ resources: ['/app/a'] }, { resources: ['/app/b'] }],
      [],
    ],
    [
      'a wider pattern',
      [{ resources: ['/app/*'] }],
      [{}],
      ['user:alice read /app/x/x deny → allow'],
    ],
    [
      'a narrower glob',
      [{ resources: ['/app/d*'] }],
      [{ resources: ['/app/db*'] }],
      ['user:alice read /app/d allow → deny'],
    ],
    [
      'a glob that leaves one text',
      [{ resources: ['/a*', '/*a'] }],
      [{ resources: ['/a*a', '/a*', '/*a'] }],
      [],
    ],
    [
      'a glob instead of two',
      [{ resources: ['/a*'] }, deny({ resources: ['/*a'] })],
      [{ resources: ['/a*'] }, deny({ resources: ['/a*a'] })],
      ['user:alice read /a deny → allow', 'user:alice read /xa deny → deny'],
    ],
    [
      'more actions',
      [{}],
      [{ actions: ['read', 'list', 'grant'] }],
      ['user:alice list,grant /app/x deny → allow'],
    ],
    [
      'an exception',
      [{}],
      [{}, deny({ resources: ['/app/key'] })],
      ['user:alice read /app/key allow → deny'],
    ],
    [
      'a condition',
      [{}],
      [{ when: { mfa: true } }],
      ['user:alice read /app/x allow → conditional'],
    ],
    [
      'another condition',
      [{ when: { mfa: true } }],
      [{ when: { mfa: false } }],
      ['user:alice read /app/x conditional → conditional'],
    ],
    ['a condition that never holds', [], [{ when: { time: { from: '09:00', to: '09:00' } } }], []],
    ['a condition beside none', [{}], [{}, { when: { mfa: true } }], []],
    ['what a deny takes away at once', [], [{}, deny({})], ['user:alice read /app/x deny → deny']],
    [
      'an obligation',
      [{}],
      [{ obligations: { maxUses: 1 } }],
      ['user:alice read /app/x allow → allow'],
    ],
    [
      'an obligation that is there already',
      [{ obligations: { maxUses: 1 } }],
      [{ obligations: { maxUses: 1 } }, { obligations: { maxUses: 2 } }],
      [],
    ],
    [
      'an allow that two others cover, of which each obliges to less',
      [
        { when: { mfa: true }, obligations: { maxUses: 1 } },
        { when: { door: ['http'] }, obligations: { ttlSeconds: 5 } },
      ],
      [
        { when: { mfa: true }, obligations: { maxUses: 1 } },
        { when: { mfa: true, door: ['http'] } },
        { when: { door: ['http'] }, obligations: { ttlSeconds: 5 } },
      ],
      [],
    ],
    [
      'an allow that two others cover, and that obliges to more than both',
      [
        { when: { mfa: true }, obligations: { maxUses: 2 } },
        { when: { door: ['http'] }, obligations: { ttlSeconds: 5 } },
      ],
      [
        { when: { mfa: true }, obligations: { maxUses: 2 } },
        { when: { mfa: true, door: ['http'] }, obligations: { maxUses: 1 } },
        { when: { door: ['http'] }, obligations: { ttlSeconds: 5 } },
      ],
      ['user:alice read /app/x conditional → conditional'],
    ],
    [
      'the order of allows that hold alike, of which one obliges',
      [
        { when: { ip: ['10.0.0.0/8'] }, obligations: { maxUses: 1 } },
        { when: { ip: ['10.0.0.0/8', '10.1.0.0/16'] } },
      ],
      [
        { when: { ip: ['10.0.0.0/8', '10.1.0.0/16'] } },
        { when: { ip: ['10.0.0.0/8'] }, obligations: { maxUses: 1 } },
      ],
      [],
    ],
    ['the root', [], [{ resources: ['/'] }], ['user:alice read / deny → allow']],
    ['everybody', [{}], [{ principals: ['*'] }], ['* read /app/x deny → allow']],
    [
      'all who have the same',
      [{ principals: ['user:alice', 'user:bob', 'user:carol'] }],
      [{ principals: ['user:alice'] }],
      ['user:bob,user:carol read /app/x allow → deny'],
    ],
    [
      'a deny where others may allow',
      [],
      [deny({ resources: ['/app/key'] })],
      ['user:alice read /app/key deny → deny'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(brief(diff(documentsOf(...before), documentsOf(...after)))).toEqual(expected)
  })

  test('names the rules before and after, and what they oblige to', () => {
    const before = documentsOf(
      { obligations: { ttlSeconds: 60 } },
      deny({ resources: ['/app/old'] }),
    )
    const after = documentsOf(
      { obligations: { ttlSeconds: 30 } },
      deny({ resources: ['/app/new'], when: { mfa: false } }),
    )
    expect(diff(before, after).changes).toEqual([
      {
        principals: ['user:alice'],
        actions: ['read'],
        resource: '/app/x',
        patterns: ['/app/**'],
        before: { decision: 'allow', rules: ['p/r0'], obligations: { ttlSeconds: 60 } },
        after: { decision: 'allow', rules: ['p/r0'], obligations: { ttlSeconds: 30 } },
      },
      {
        principals: ['user:alice'],
        actions: ['read'],
        resource: '/app/old',
        patterns: ['/app/old', '/app/**'],
        before: { decision: 'deny', rules: ['p/r1'] },
        after: { decision: 'allow', rules: ['p/r0'], obligations: { ttlSeconds: 30 } },
      },
      {
        principals: ['user:alice'],
        actions: ['read'],
        resource: '/app/new',
        patterns: ['/app/**', '/app/new'],
        before: { decision: 'allow', rules: ['p/r0'], obligations: { ttlSeconds: 60 } },
        after: {
          decision: 'conditional',
          rules: ['p/r0', 'p/r1'],
          obligations: { ttlSeconds: 30 },
        },
      },
    ])
  })

  test('names the own rules of each principal, though they say the same', () => {
    const of = (name: string): PolicyDocument =>
      ({ ...documentsOf({ principals: [`user:${name}`] })[0], id: name }) as PolicyDocument
    const { changes } = diff([of('a'), of('b')], [])
    expect(changes.map(({ principals, before }) => [principals, before.rules])).toEqual([
      [['user:a'], ['a/r0']],
      [['user:b'], ['b/r0']],
    ])
  })

  test('of given subjects counts all their principals, and only them', () => {
    const before = documentsOf({ principals: ['group:ops'] })
    const after = documentsOf({ principals: ['group:ops'] }, deny({}))
    const of = (...subjects: string[][]): string[] => brief(diff(before, after, { subjects }))
    expect(of(['user:alice', 'group:ops'])).toEqual([
      'user:alice,group:ops read /app/x allow → deny',
    ])
    expect(of(['user:alice'], ['group:ops'], [])).toEqual([])
    expect(brief(diff(before, after))).toEqual(['user:alice read /app/x deny → deny'])
  })

  test('of given subjects finds what only a glob shows of a change elsewhere', () => {
    const subjects = [['user:alice']]
    const allows: Draft[] = [{ resources: ['/a*'] }]
    for (const resources of [['/*'], ['/**'], ['/*/**', '/*']]) {
      const found = diff(documentsOf(...allows, deny({ resources })), documentsOf(...allows), {
        subjects,
      })
      expect(brief(found)).toEqual(['user:alice read /ax deny → allow'])
    }
  })

  test('takes characters for its witnesses that no pattern has', () => {
    const letters = 'xyzqkwvj0'
    const one = diff([], documentsOf({ resources: [`/${letters}*`] }))
    expect(one.changes[0]?.resource).toBe(`/${letters}一`)
    const before = documentsOf(
      { resources: ['/*'] },
      deny({ resources: [...letters].map((c) => `/${c}`) }),
    )
    const two = diff(before, documentsOf())
    expect(two.changes.map(({ resource }) => resource)).toContain('/一')
  })
})

describe('work', () => {
  const many = (change: (index: number) => Draft): PolicyDocument[] =>
    documentsOf(
      ...Array.from(
        { length: 10_000 },
        (_, index): Draft => ({
          principals: ['role:user'],
          resources: [`/users/${index}/**`, `/db/db-*-${index}`],
          ...change(index),
        }),
      ),
    )

  test('one change among ten thousand rules is found whole', () => {
    const before = many(() => ({}))
    const after = many((index) => (index === 777 ? { resources: ['/users/777/a*'] } : {}))
    const { changes, complete } = diff(before, after)
    expect(complete).toBe(true)
    expect(changes.map(({ resource }) => resource).sort()).toEqual(['/db/db-x-777', '/users/777/x'])
    expect(changes.map(({ before: was, after: is }) => [was.decision, is.decision])).toEqual([
      ['allow', 'deny'],
      ['allow', 'deny'],
    ])
  })

  test('is bounded, and says so', () => {
    const hostile = (unit: string): PolicyDocument[] =>
      documentsOf(
        ...Array.from(
          { length: 300 },
          (_, index): Draft => ({
            resources: [`/*${unit}*${index}*/**`, `/*/*${index}*${unit}*`],
          }),
        ),
      )
    const maxStates = 20_000
    const work = textWork(() => {
      expect(diff(hostile('a'), hostile('b'), { maxStates }).complete).toBe(false)
    })
    expect(work).toBeLessThan(200 * maxStates)
    expect(diff([], documentsOf({}), { maxStates: 1 }).complete).toBe(false)
  })
})

describe('arguments', () => {
  test.each([[undefined], [null], ['p'], [{ id: 'p' }]])('%j are no documents', (documents) => {
    const bad = documents as unknown as unknown[]
    expect(() => diff(bad, [])).toThrow(TypeError)
    expect(() => diff([], bad)).toThrow('after: expected an array')
  })

  test.each<[object]>([
    [{ subjects: 'user:alice' }],
    [{ subjects: ['user:alice'] }],
    [{ subjects: [[1]] }],
  ])('%j is no option', (options) => {
    expect(() => diff([], [], options as DiffOptions)).toThrow(TypeError)
  })

  test.each([0, 1.5, '1'])('maxStates of %j is no bound', (maxStates) => {
    expect(() => diff([], [], { maxStates } as DiffOptions)).toThrow(RangeError)
  })

  test('refuses what compile refuses', () => {
    for (const bad of [{ id: 'p' }, { id: 'p', rules: [{}] }]) {
      expect(() => compile([bad])).toThrow(PolicyError)
      expect(() => diff([bad], [])).toThrow(PolicyError)
      expect(() => diff([], [bad])).toThrow(PolicyError)
    }
  })
})
