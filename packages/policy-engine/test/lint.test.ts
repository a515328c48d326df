import {
  ACTIONS,
  type LintFinding,
  type LintOptions,
  lint,
  type PolicyConditions,
  PolicyError,
  type PolicyRule,
} from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'
import { textWork } from './text-work.ts'

type Draft = Omit<Partial<PolicyRule>, 'id'>

const ruleOf = (draft: Draft): Omit<PolicyRule, 'id'> => ({
  effect: 'allow',
  principals: ['user:alice'],
  actions: ['read'],
  resources: ['/app/**'],
  ...draft,
})

/** Findings about rules `r0`, `r1`, … of one document. */
function lintOf(...drafts: Draft[]): readonly LintFinding[] {
  const rules = drafts.map((draft, index) => ({ id: `r${index}`, ...ruleOf(draft) }))
  return lint([{ id: 'p', rules }])
}

const brief = (found: readonly LintFinding[]): string[] =>
  found.map(({ code, rule, by }) => `${code} ${[rule, ...(by ?? [])].join(' ')}`)

const NEVER: PolicyConditions = { time: { from: '09:00', to: '09:00' } }
const deny = (draft: Draft): Draft => ({ effect: 'deny', ...draft })

describe('unreachable', () => {
  test.each<[string, Draft[], string[]]>([
    ['a window that is never', [{ when: NEVER }], ['unreachable p/r0']],
    [
      'an exception that is the condition',
      [{ when: { mfa: true }, unless: { mfa: true } }],
      ['unreachable p/r0'],
    ],
    [
      'an exception wider than the condition',
      [{ when: { ip: ['10.1.0.0/16'], mfa: true }, unless: { ip: ['10.0.0.0/8'] } }],
      ['unreachable p/r0'],
    ],
    [
      'an exception narrower than the condition',
      [{ when: { ip: ['10.0.0.0/8'] }, unless: { ip: ['10.1.0.0/16'] } }],
      [],
    ],
    ['a deny of the same', [{}, deny({})], ['unreachable p/r0 p/r1']],
    [
      'a deny of more',
      [{}, deny({ principals: ['*'], resources: ['/**'], actions: ['list', 'read'] })],
      ['unreachable p/r0 p/r1'],
    ],
    [
      'denies that share it',
      [
        { principals: ['user:a', 'user:b'], actions: ['read', 'list'] },
        deny({ principals: ['user:a'], actions: ['read'] }),
        deny({ principals: ['user:b', '*'], actions: ['list'] }),
        deny({ principals: ['user:b'] }),
      ],
      ['unreachable p/r0 p/r1 p/r2 p/r3'],
    ],
    [
      'a deny of only one principal',
      [{ principals: ['user:a', 'user:b'] }, deny({ principals: ['user:a'] })],
      ['contradictory p/r0 p/r1'],
    ],
    [
      'denies by depth',
      [{}, deny({ resources: ['/app/*'] }), deny({ resources: ['/app/*/**'] })],
      ['unreachable p/r0 p/r1 p/r2'],
    ],
    [
      'denies of all but one depth',
      [{}, deny({ resources: ['/app/*'] }), deny({ resources: ['/app/*/*/**'] })],
      [],
    ],
    [
      'a deny under the same condition',
      [{ when: { mfa: true } }, deny({ when: { mfa: true } })],
      ['unreachable p/r0 p/r1'],
    ],
    [
      'a deny under more conditions',
      [{ when: { mfa: true } }, deny({ when: { mfa: true, door: ['http'] } })],
      [],
    ],
    [
      'a deny that the condition lifts',
      [{ when: { mfa: true } }, deny({ unless: { mfa: true } })],
      [],
    ],
    [
      'a deny with an exception that the condition excludes',
      [{ when: { mfa: false } }, deny({ unless: { mfa: true } })],
      ['unreachable p/r0 p/r1'],
    ],
  ])('%s', (_, drafts, expected) => {
    expect(brief(lintOf(...drafts))).toEqual(expected)
  })
})

describe('shadowed', () => {
  test.each<[string, Draft[], string[]]>([
    ['an equal rule: the later one', [{}, {}], ['shadowed p/r1 p/r0']],
    [
      'three equal rules: all but the first',
      [{}, {}, {}],
      ['shadowed p/r1 p/r0', 'shadowed p/r2 p/r0'],
    ],
    ['a narrower pattern', [{ resources: ['/app/db-*'] }, {}], ['shadowed p/r0 p/r1']],
    ['a principal of everybody', [{}, { principals: ['*'] }], ['shadowed p/r0 p/r1']],
    ['everybody is not one principal', [{ principals: ['*'] }, {}], ['shadowed p/r1 p/r0']],
    ['a condition beside none', [{ when: { mfa: true } }, {}], ['shadowed p/r0 p/r1']],
    ['none beside a condition', [{}, { unless: { mfa: true } }], ['shadowed p/r1 p/r0']],
    [
      'a window within another',
      [
        { when: { time: { from: '10:00', to: '12:00' } } },
        { when: { time: { from: '09:00', to: '17:00' } } },
      ],
      ['shadowed p/r0 p/r1'],
    ],
    [
      'an exception within another',
      [{ unless: { door: ['http', 'kv'] } }, { unless: { door: ['http'] } }],
      ['shadowed p/r0 p/r1'],
    ],
    [
      'obligations that would be lifted',
      [{ obligations: { maxUses: 1 } }, {}],
      ['shadowed p/r1 p/r0'],
    ],
    [
      'obligations of different kinds',
      [{ obligations: { maxUses: 1 } }, { obligations: { ttlSeconds: 1 } }],
      [],
    ],
    ['a deny by a deny', [deny({ resources: ['/app/a'] }), deny({})], ['shadowed p/r0 p/r1']],
    [
      'a deny under a condition',
      [deny({ when: { mfa: false } }), deny({})],
      ['shadowed p/r0 p/r1'],
    ],
    ['a deny by no allow', [deny({}), { resources: ['/other'] }], []],
    [
      'what is partly denied, and allowed otherwise',
      [{ actions: ['read', 'list'] }, deny({}), { principals: ['*'], actions: ['list'] }],
      ['shadowed p/r0 p/r1 p/r2'],
    ],
  ])('%s', (_, drafts, expected) => {
    expect(brief(lintOf(...drafts))).toEqual(expected)
  })
})

describe('contradictory', () => {
  test.each<[string, Draft[], string[]]>([
    [
      'one action of several',
      [{ actions: ['read', 'list'] }, deny({})],
      ['contradictory p/r0 p/r1'],
    ],
    [
      'one pattern of several',
      [{ resources: ['/a', '/app/*'] }, deny({})],
      ['contradictory p/r0 p/r1'],
    ],
    [
      'patterns that cross',
      [{ resources: ['/app/*/key'] }, deny({ resources: ['/*/web/*'] })],
      ['contradictory p/r0 p/r1'],
    ],
    ['an exception', [{}, deny({ resources: ['/app/key'] })], []],
    [
      'an exception for everybody',
      [{ resources: ['/app/*/key'] }, deny({ principals: ['*'], resources: ['/*/web/*'] })],
      [],
    ],
    [
      'a deny that conditions lift',
      [{ actions: ['read', 'list'] }, deny({ unless: { mfa: true } })],
      [],
    ],
    ['a deny that never holds', [deny({ when: NEVER })], ['contradictory p/r0']],
  ])('%s', (_, drafts, expected) => {
    expect(brief(lintOf(...drafts))).toEqual(expected)
  })

  test('says which patterns are at odds', () => {
    const [found] = lintOf({ resources: ['/x', '/app/*/key'] }, deny({ resources: ['/*/web/*'] }))
    expect(found).toEqual({
      code: 'contradictory',
      severity: 'info',
      document: 'p',
      rule: 'p/r0',
      by: ['p/r1'],
      message:
        '"p/r0" allows user:alice "/app/*/key", which "/*/web/*" of "p/r1" crosses and denies there',
      pointer: '/rules/0/resources/1',
    })
  })
})

describe('over-broad', () => {
  const all: Draft = { principals: ['*'], resources: ['/**'] }
  test.each<[string, Draft, string[]]>([
    ['values everywhere', all, ['error /rules/0/resources/0']],
    [
      'values below every mount',
      { ...all, resources: ['/a', '/*/**'] },
      ['error /rules/0/resources/1'],
    ],
    ['values in one place', { ...all, resources: ['/app/**'] }, []],
    ['values for one', { ...all, principals: ['role:admin'] }, []],
    ['values under a condition', { ...all, when: { mfa: true } }, ['warning /rules/0/resources/0']],
    ['changes everywhere', { ...all, actions: ['delete'] }, ['warning /rules/0/resources/0']],
    ['names everywhere', { ...all, actions: ['list', 'read-metadata'] }, []],
    [
      'administration',
      { ...all, actions: ['policy'], resources: ['/'] },
      ['error /rules/0/resources/0'],
    ],
    [
      'grant in one place',
      { ...all, actions: ['grant'], resources: ['/app/a'] },
      ['error /rules/0/resources/0'],
    ],
    ['a deny', deny({ ...all, actions: ACTIONS }), []],
  ])('%s', (_, draft, expected) => {
    const found = lintOf(draft)
    expect(found.map(({ severity, pointer }) => `${severity} ${pointer}`)).toEqual(expected)
    expect(found.every(({ code }) => code === 'over-broad')).toBe(true)
  })
})

describe('work', () => {
  test('is bounded, and says so', () => {
    const many = Array.from(
      { length: 3000 },
      (_, index): Draft =>
        index % 2 === 0
          ? { resources: [`/*/a*x${index}x*/**`] }
          : deny({ resources: [`/*/*a*${index}/**`], when: { mfa: true } }),
    )
    const rules = many.map((draft, index) => ({ id: `r${index}`, ...ruleOf(draft) }))
    const maxSteps = 100_000
    let found: readonly LintFinding[] = []
    const work = textWork(() => {
      found = lint([{ id: 'p', rules }], { maxSteps })
    })
    expect(work).toBeLessThan(10 * maxSteps)
    expect(found.filter(({ code }) => code === 'incomplete')).toHaveLength(1)
  })

  test('nothing is incomplete within the default', () => {
    const rules = Array.from({ length: 10_000 }, (_, index) => ({
      id: `r${index}`,
      ...ruleOf({ principals: [`account:${index}`], resources: [`/users/${index}/**`] }),
    }))
    expect(lint([{ id: 'p', rules }])).toEqual([])
  })

  test('a claim is not made on what was not looked at', () => {
    for (let maxSteps = 1; maxSteps < 60; maxSteps++) {
      const rules = [
        {},
        deny({ actions: ['list'] }),
        { resources: ['/app/a/**'], actions: ['read' as const] },
        { actions: ['list' as const] },
      ].map((draft, index) => ({ id: `r${index}`, ...ruleOf(draft) }))
      const claims = brief(lint([{ id: 'p', rules }], { maxSteps })).filter(
        (text) => !text.startsWith('incomplete'),
      )
      const all = ['shadowed p/r2 p/r0', 'unreachable p/r3 p/r1']
      expect(all).toEqual(expect.arrayContaining(claims))
    }
  })
})

describe('arguments', () => {
  test.each([[undefined], [null], ['p'], [{ id: 'p' }]])('%j are no documents', (documents) => {
    expect(() => lint(documents as unknown as unknown[])).toThrow(TypeError)
  })

  test.each([0, -1, 1.5, Number.NaN, '5'])('%j is no bound', (maxSteps) => {
    expect(() => lint([], { maxSteps } as LintOptions)).toThrow(RangeError)
  })

  test('refuses what compile refuses', () => {
    expect(() => lint([{ id: 'p' }])).toThrow(PolicyError)
    expect(() => lint([], { systemZone: 'Nowhere/Land' })).toThrow(RangeError)
  })
})
