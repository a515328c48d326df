import { type CompiledPolicy, compile, type Decision } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  action,
  prefix as anyPrefix,
  below,
  context,
  documentsOf,
  path,
  principals,
  type Question,
  question,
  rule,
  rules,
  SYSTEM_ZONE,
  time,
} from './arbitrary.ts'
import { naiveDecide } from './naive.ts'
import { runs } from './runs.ts'

const questions = fc.array(question, { minLength: 1, maxLength: 12 })

function ask(policy: CompiledPolicy, { principals: named, ...rest }: Question): Decision {
  return policy.decide({ subject: policy.subject(named), ...rest })
}

describe('a compiled policy', () => {
  // A policy that may keep nearly nothing drops its states all the time, also in the middle of a walk.
  test.each([undefined, 1, 7, 40])('decides as a plain reading does, keeping %s', (maxKept) => {
    fc.assert(
      fc.property(rules, questions, (list, asked) => {
        const documents = documentsOf(list)
        const policy = compile(documents, {
          systemZone: SYSTEM_ZONE,
          ...(maxKept === undefined ? {} : { maxKept }),
        })
        for (const one of [...asked, ...asked]) {
          expect(ask(policy, one)).toEqual(naiveDecide(documents, one))
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('keeps answers of one resource apart, whatever its callers bring with them', () => {
    const everywhere = fc.array(
      rule.map((value) => ({ ...value, actions: ['read' as const], resources: ['/**'] })),
      { minLength: 2, maxLength: 8 },
    )
    const contexts = fc.array(fc.tuple(context, time), { minLength: 2, maxLength: 20 })
    fc.assert(
      fc.property(everywhere, contexts, principals, (list, known, named) => {
        const documents = documentsOf(list)
        const policy = compile(documents, { systemZone: SYSTEM_ZONE })
        for (const [facts, at] of known) {
          const one = { principals: named, resource: '/a', context: facts, time: at }
          const asked = { ...one, action: 'read' as const }
          expect(ask(policy, asked)).toEqual(naiveDecide(documents, asked))
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('keeps the sets of globs and literals of one node apart', () => {
    const tail = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 })
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 5 })
    const one = piece.map((text) => `/${text.replace(/\*+/g, '*')}`)
    const flat = fc.array(
      fc.record({ resources: fc.array(one, { minLength: 1, maxLength: 4 }), who: principals }),
      { minLength: 3, maxLength: 12 },
    )
    fc.assert(
      fc.property(flat, fc.array(tail, { minLength: 60, maxLength: 100 }), (list, tails) => {
        const documents = documentsOf(
          list.map(({ resources, who }) => ({
            effect: 'allow',
            actions: ['read'],
            resources,
            principals: [...who, 'user:nobody'],
          })),
        )
        const named = ['user:nobody', 'user:alice', 'user:bob', 'role:user', 'role:admin', 'uid:33']
        const policy = compile(documents)
        for (const text of [...tails, ...tails]) {
          const asked = { principals: named, action: 'read' as const, resource: `/${text}` }
          const expected = naiveDecide(documents, asked)
          expect(ask(policy, { ...asked, time: undefined, context: {} })).toEqual(expected)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('decides the same for principals, its own subject and the subject of another policy', () => {
    fc.assert(
      fc.property(rules, rules, question, (list, others, { principals: named, ...rest }) => {
        const policy = compile(documentsOf(list), { systemZone: SYSTEM_ZONE })
        const foreign = compile(documentsOf(others), { systemZone: SYSTEM_ZONE })
        const expected = policy.decide({ subject: named, ...rest })
        expect(policy.decide({ subject: policy.subject(named), ...rest })).toBe(expected)
        expect(policy.decide({ subject: foreign.subject(named), ...rest })).toBe(expected)
      }),
      { numRuns: runs(300) },
    )
  })

  test('never lets a deny lose', () => {
    fc.assert(
      fc.property(rules, questions, (list, asked) => {
        const documents = documentsOf(list)
        const denies = documentsOf(list).map((document) => ({
          ...document,
          rules: document.rules.filter(({ effect }) => effect === 'deny'),
        }))
        const policy = compile(documents)
        const alone = compile(denies)
        for (const one of asked) {
          const denied = ask(alone, one)
          if (denied.rules.length > 0) expect(ask(policy, one)).toEqual(denied)
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('is never widened by a deny and never narrowed by an allow', () => {
    fc.assert(
      fc.property(rules, rule, questions, (list, added, asked) => {
        const before = compile(documentsOf(list))
        const after = compile(documentsOf([...list, added]))
        for (const one of asked) {
          const was = ask(before, one).decision
          const is = ask(after, one).decision
          if (added.effect === 'deny') expect(`${was} ${is}`).not.toBe('deny allow')
          else expect(`${was} ${is}`).not.toBe('allow deny')
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('does not depend on what was asked before', () => {
    fc.assert(
      fc.property(rules, questions, (list, asked) => {
        const used = compile(documentsOf(list), { maxKept: 30 })
        for (const one of asked) ask(used, one)
        for (const one of asked) {
          expect(ask(used, one)).toEqual(ask(compile(documentsOf(list)), one))
        }
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('filter', () => {
  test('agrees with decide for everything below its prefix', () => {
    const paths = fc.array(path, { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(
        fc.record({ list: rules, named: principals, action, prefix: anyPrefix, time, context }),
        paths,
        ({ list, named, action: asked, prefix, time: at, context: known }, tails) => {
          const policy = compile(documentsOf(list))
          const subject = policy.subject(named)
          const answer = policy.filter(subject, asked, prefix, at, known)
          for (const tail of tails) {
            const resource = below(prefix, tail)
            if (tail === '/' || /^[^/]*:\/\/[^/]*$/.test(resource)) continue
            const request = { subject, action: asked, resource, time: at, context: known }
            const allowed = policy.decide(request).decision === 'allow'
            const filtered = typeof answer === 'function' ? answer(resource) : answer === 'all'
            expect(filtered).toBe(allowed)
          }
        },
      ),
      { numRuns: runs(700) },
    )
  })

  test('holds whatever the metadata of the entries are, if it was not told them', () => {
    fc.assert(
      fc.property(
        fc.record({ list: rules, named: principals, action, prefix: anyPrefix, time, context }),
        path.filter((tail) => tail !== '/'),
        fc.dictionary(fc.constantFrom('owner', 'env'), fc.constantFrom('alice', 'prod', 'x')),
        ({ list, named, action: asked, prefix, time: at, context: given }, tail, metadata) => {
          const { metadata: _, ...known } = given
          const policy = compile(documentsOf(list))
          const subject = policy.subject(named)
          const answer = policy.filter(subject, asked, prefix, at, known)
          const resource = below(prefix, tail)
          fc.pre(!/^[^/]*:\/\/[^/]*$/.test(resource))
          const full = { ...known, metadata }
          const request = { subject, action: asked, resource, time: at, context: full }
          const allowed = policy.decide(request).decision === 'allow'
          const filtered =
            typeof answer === 'function' ? answer(resource, metadata) : answer === 'all'
          expect(filtered).toBe(allowed)
        },
      ),
      { numRuns: runs(700) },
    )
  })
})

describe('explain', () => {
  test('agrees with decide and never names a deny', () => {
    fc.assert(
      fc.property(rules, question, (list, { principals: subject, ...rest }) => {
        const documents = documentsOf(list)
        const policy = compile(documents)
        const decision = policy.decide({ subject, ...rest })
        const shown = policy.explain({ subject, ...rest })
        expect(shown.decision).toBe(decision.decision)
        const applied = shown.rules.filter((item) => item.applies).map((item) => item.rule)
        if (decision.decision === 'allow') {
          expect(shown.reason).toBe('allowed')
          expect(applied).toEqual(decision.rules)
        } else if (decision.rules.length > 0) {
          expect(shown.reason).toBe('denied by policy')
        } else expect(applied).toEqual([])
        expect(shown.rules.every((item) => item.effect === 'allow')).toBe(true)
        for (const item of shown.rules) expect(item.unmet.length === 0).toBe(item.applies)
        const all = policy.explain({ subject, ...rest }, { denials: true })
        const denied = all.rules.filter((item) => item.applies && item.effect === 'deny')
        if (decision.decision === 'deny') {
          expect(denied.map((item) => item.rule)).toEqual(decision.rules)
        } else expect(denied).toEqual([])
      }),
      { numRuns: runs(700) },
    )
  })
})
