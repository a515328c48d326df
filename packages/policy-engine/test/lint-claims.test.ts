import { type Context, compile, lint, type PolicyConditions } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rules as anyRules, documentsOf, question } from './arbitrary.ts'
import { assertOften, runs } from './runs.ts'

describe('every rule that is said to be needless is', () => {
  const segments = ['a', 'b', 'ab']
  const paths = [
    '/',
    ...[1, 2, 3].flatMap((depth) => {
      let found = ['']
      for (let at = 0; at < depth; at++)
        found = found.flatMap((head) => segments.map((tail) => `${head}/${tail}`))
      return found
    }),
  ]
  const contexts: Context[] = [undefined, true, false].flatMap((mfa) =>
    [undefined, 'http', 'kv'].map((door) => ({ mfa, door })),
  )
  const clause = fc.constantFrom<PolicyConditions | undefined>(
    undefined,
    undefined,
    { mfa: true },
    { mfa: false },
    { door: ['http'] },
    { door: ['http', 'kv'] },
    { mfa: true, door: ['kv'] },
  )
  const rule = fc
    .record({
      effect: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
      principals: fc.subarray(['user:a', 'role:r', '*'], { minLength: 1 }),
      actions: fc.subarray(['read' as const, 'list' as const], { minLength: 1 }),
      resources: fc.uniqueArray(
        fc.constantFrom('/', '/**', '/a/**', '/a/*', '/*', '/a', '/*/b', '/a*', '/*/**', '/*b/**'),
        { minLength: 1, maxLength: 2 },
      ),
      when: clause,
      unless: clause,
      obligations: fc.constantFrom(undefined, undefined, { maxUses: 2 }, { maxUses: 1 }),
    })
    .map(({ when, unless, obligations, ...rest }) => ({
      ...rest,
      ...(when === undefined ? {} : { when }),
      ...(unless === undefined ? {} : { unless }),
      ...(obligations === undefined || rest.effect === 'deny' ? {} : { obligations }),
    }))

  test('alone and together: without them every decision is what it was', () => {
    const seen = { unreachable: 0, shadowed: 0 }
    assertOften(
      fc.property(fc.array(rule, { minLength: 2, maxLength: 7 }), (list) => {
        const documents = documentsOf(list)
        const found = lint(documents).filter(
          ({ code }) => code === 'unreachable' || code === 'shadowed',
        )
        if (found.length === 0) return
        for (const { code } of found) seen[code as keyof typeof seen]++
        const without = (names: readonly string[]) =>
          compile(
            documents.map(({ id, rules }) => ({
              id,
              rules: rules.filter((one) => !names.includes(`${id}/${one.id}`)),
            })),
          )
        const names = found.map((one) => one.rule)
        const whole = compile(documents)
        for (const rest of [without(names), ...names.map((name) => without([name]))]) {
          for (const subject of [['user:a'], ['role:r'], ['user:x'], ['user:a', 'role:r']]) {
            const [one, other] = [whole.subject(subject), rest.subject(subject)]
            for (const action of ['read', 'list'] as const) {
              for (const resource of paths) {
                for (const context of contexts) {
                  const request = { action, resource, context }
                  const before = whole.decide({ subject: one, ...request })
                  const after = rest.decide({ subject: other, ...request })
                  if (
                    before.decision !== after.decision ||
                    before.obligations?.maxUses !== after.obligations?.maxUses
                  ) {
                    expect({ ...request, subject, ...after }).toEqual(before)
                  }
                }
              }
            }
          }
        }
      }),
      400,
      () => Math.min(seen.unreachable, seen.shadowed),
      20,
    )
  })

  test('with every condition there is', () => {
    fc.assert(
      fc.property(anyRules, fc.array(question, { minLength: 20, maxLength: 20 }), (list, asked) => {
        const documents = documentsOf(list)
        const gone = new Set(
          lint(documents)
            .filter(({ code }) => code === 'unreachable' || code === 'shadowed')
            .map((one) => one.rule),
        )
        const rest = documents.map(({ id, rules }) => ({
          id,
          rules: rules.filter((one) => !gone.has(`${id}/${one.id}`)),
        }))
        const [whole, less] = [compile(documents), compile(rest)]
        for (const { principals: subject, ...request } of asked) {
          const [before, after] = [whole, less].map((policy) =>
            policy.decide({ subject, ...request }),
          )
          expect([after?.decision, after?.obligations]).toEqual([
            before?.decision,
            before?.obligations,
          ])
        }
      }),
      { numRuns: runs(1500) },
    )
  })
})
