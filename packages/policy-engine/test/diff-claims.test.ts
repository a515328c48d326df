import {
  type Action,
  type Context,
  compile,
  diff,
  type PolicyConditions,
  type PolicyDocument,
  type PolicyRule,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { documentsOf, question, rule, rules } from './arbitrary.ts'
import { assertOften } from './runs.ts'

type Draft = Omit<PolicyRule, 'id'>

/** A list of rules, and the same after some of them were changed. */
function edits(
  of: fc.Arbitrary<Draft>,
  list: fc.Arbitrary<Draft[]>,
): fc.Arbitrary<[Draft[], Draft[]]> {
  const edit = fc.record({
    at: fc.nat({ max: 13 }),
    what: fc.constantFrom('drop', 'put', 'add'),
    by: of,
  })
  return fc.tuple(list, fc.array(edit, { maxLength: 2 })).map(([before, steps]) => {
    const after = [...before]
    for (const { at, what, by } of steps) {
      if (what === 'drop') after.splice(at, 1)
      else if (what === 'put' && at < after.length) after[at] = by
      else after.push(by)
    }
    return [before, after]
  })
}

describe('diff', () => {
  test('leaves no request out: what is decided otherwise is under a change that it names', () => {
    const seen = { same: 0, other: 0 }
    const questions = fc.array(question, { minLength: 15, maxLength: 15 })
    assertOften(
      fc.property(edits(rule, rules), questions, ([before, after], asked) => {
        const [old, now] = [documentsOf(before), documentsOf(after)]
        const { changes, complete } = diff(old, now)
        expect(complete).toBe(true)
        const policies = [compile(old), compile(now)]
        for (const { principals: subject, ...request } of asked) {
          const [was, is] = policies.map((policy) => policy.decide({ subject, ...request }))
          const same =
            was?.decision === is?.decision &&
            JSON.stringify(was?.obligations) === JSON.stringify(is?.obligations)
          const concerned = changes.some(
            ({ principals, actions }) =>
              actions.includes(request.action) &&
              principals.some((name) => name === '*' || subject.includes(name)),
          )
          if (!same) expect(concerned).toBe(true)
          seen[same ? 'same' : 'other']++
          if (same) continue
          const own = diff(old, now, { subjects: [subject] })
          expect(own.changes.some(({ actions }) => actions.includes(request.action))).toBe(true)
        }
      }),
      400,
      () => Math.min(seen.same, seen.other),
      50,
    )
  })

  // Conditions of allows and denies ask about different things, so each set of them can hold alone.
  const allowWhen = fc.constantFrom<PolicyConditions | undefined>(
    undefined,
    undefined,
    { mfa: true },
    { door: ['http'] },
    { mfa: true, door: ['http'] },
  )
  const denyWhen = fc.constantFrom<PolicyConditions | undefined>(
    undefined,
    { purpose: ['p'] },
    { proof: ['kernel'] },
  )
  const contexts: Context[] = [true, false].flatMap((mfa) =>
    ['http', 'kv'].flatMap((door) =>
      ['p', 'q'].flatMap((purpose) =>
        (['kernel', 'credential'] as const).map((proof) => ({ mfa, door, purpose, proof })),
      ),
    ),
  )
  const base = {
    principals: fc.subarray(['user:a', 'role:r', '*'], { minLength: 1 }),
    actions: fc.subarray(['read' as const, 'list' as const], { minLength: 1 }),
    resources: fc.uniqueArray(
      fc.constantFrom(
        '/',
        '/**',
        '/a/**',
        '/a/*',
        '/*',
        '/a',
        '/*/b',
        '/a*',
        '/*b',
        '/a*b',
        '/*/**',
        '/*b/*a*',
      ),
      { minLength: 1, maxLength: 2 },
    ),
  }
  const obligations = fc.constantFrom(
    undefined,
    undefined,
    { maxUses: 1 },
    { ttlSeconds: 5 },
    { maxUses: 2 },
  )
  const plain: fc.Arbitrary<Draft> = fc.oneof(
    fc
      .record({ ...base, when: allowWhen, obligations })
      .map(({ when, obligations: duties, ...rest }) => ({
        effect: 'allow' as const,
        ...rest,
        ...(when === undefined ? {} : { when }),
        ...(duties === undefined ? {} : { obligations: duties }),
      })),
    fc.record({ ...base, when: denyWhen }).map(({ when, ...rest }) => ({
      effect: 'deny' as const,
      ...rest,
      ...(when === undefined ? {} : { when }),
    })),
  )
  const HELPER: PolicyDocument = {
    id: 'helper',
    rules: [
      {
        id: 'all',
        effect: 'allow',
        principals: ['user:helper'],
        actions: ['read', 'list'],
        resources: ['/', '/**'],
      },
    ],
  }

  test('names nothing that stays: every witness is decided otherwise under some conditions', () => {
    let checked = 0
    assertOften(
      fc.property(edits(plain, fc.array(plain, { maxLength: 6 })), ([before, after]) => {
        const [old, now] = [documentsOf(before), documentsOf(after)]
        const policies = [compile([...old, HELPER]), compile([...now, HELPER])]
        const differs = (subject: string[], action: Action, resource: string): boolean =>
          contexts.some((context) => {
            const [was, is] = policies.map((policy) =>
              policy.decide({ subject, action, resource, context }),
            )
            return (
              was?.decision !== is?.decision ||
              JSON.stringify(was?.obligations) !== JSON.stringify(is?.obligations)
            )
          })
        for (const { principals, actions, resource } of diff(old, now).changes) {
          for (const name of principals) {
            for (const action of actions) {
              checked++
              // A deny alone only shows for those whom somebody else's rule allows it.
              expect(
                differs([name], action, resource) ||
                  differs([name, 'user:helper'], action, resource),
              ).toBe(true)
            }
          }
        }
        const subjects = [['user:a'], ['user:a', 'role:r'], ['user:x']]
        for (const { principals, actions, resource } of diff(old, now, { subjects }).changes) {
          for (const action of actions)
            expect(differs([...principals], action, resource)).toBe(true)
        }
      }),
      1500,
      () => checked,
      500,
    )
  })
})
