import { type CompiledPolicy, compile, type Decision } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { documentsOf, rules as nativeRules, rule, SYSTEM_ZONE } from '../arbitrary.ts'
import { naiveDecide } from '../naive.ts'
import { assertOften } from '../runs.ts'
import { context, foreign, path, question } from './arbitrary-foreign.ts'
import { naiveMixed } from './naive-foreign.ts'

const OPTIONS = { systemZone: SYSTEM_ZONE }
const questions = fc.array(question, { minLength: 20, maxLength: 40, size: 'max' })
/** Native rules whose resources meet the mounts too. */
const native = fc.array(
  fc
    .tuple(rule, fc.constantFrom('/**', '/a/**', '/kv/**', '/setec/*', '/libvirt/**'))
    .map(([one, resource]) => ({
      ...one,
      actions: [...one.actions, 'decrypt' as const, 'update' as const],
      resources: [...one.resources, resource],
    })),
  { maxLength: 4 },
)

type Asked = typeof question extends fc.Arbitrary<infer T> ? T : never

function ask(policy: CompiledPolicy, { principals, ...rest }: Asked): Decision {
  return policy.decide({ subject: policy.subject(principals), ...rest })
}

const sorted = ({ decision, rules, obligations }: Decision): unknown => ({
  decision,
  rules: [...rules].sort(),
  obligations,
})

/** In the short form half as many. */
const runs = (soak: number): number =>
  process.env['SECREG_SOAK'] === '1' ? soak : Math.ceil(soak / 2)

describe('a policy of native and foreign documents', () => {
  test.each([undefined, 1])('decides as each of their systems does, keeping %s', (maxKept) => {
    const seen = { allow: 0, deny: 0, silent: 0 }
    // The generator is worth something only if foreign rules often speak, in both ways.
    assertOften(
      fc.property(native, foreign, questions, (list, others, asked) => {
        const own = documentsOf(list)
        const policy = compile([...others, ...own], {
          ...OPTIONS,
          ...(maxKept === undefined ? {} : { maxKept }),
        })
        for (const one of asked) {
          const expected = naiveMixed(own, others, one)
          for (let again = 0; again < 2; again++) {
            expect(sorted(ask(policy, one))).toEqual(sorted(expected))
          }
          const before = naiveDecide(own, one)
          if (expected.rules.length === before.rules.length) seen.silent++
          else seen[expected.decision]++
        }
      }),
      runs(700),
      () => Math.min(seen.allow, seen.deny),
      50,
    )
  })

  test('decides alike one document at a time, changed and compiled', () => {
    fc.assert(
      fc.property(native, foreign, foreign, questions, (list, others, later, asked) => {
        const own = documentsOf(list)
        const ids = new Set(later.map(({ id }) => id))
        const kept = others.filter(({ id }) => !ids.has(id))
        const removed = others.slice(0, 1).map(({ id }) => id)
        const changed = compile([...own, ...others], OPTIONS).replace({
          set: later,
          remove: removed,
        })
        const left = kept.filter(({ id }) => !removed.includes(id))
        const whole = compile([...own, ...left, ...later], OPTIONS)
        expect(changed.ruleCount).toBe(whole.ruleCount)
        for (const one of asked) {
          expect(sorted(ask(changed, one))).toEqual(sorted(ask(whole, one)))
        }
      }),
      { numRuns: runs(300) },
    )
  })

  test('never lets a deny lose, and an allow of a source without denies never narrows', () => {
    fc.assert(
      fc.property(nativeRules, foreign, questions, (list, others, asked) => {
        const own = documentsOf(list)
        const mixed = compile([...own, ...others], OPTIONS)
        const parts = [
          own,
          ...others.filter(({ source }) => source !== 'vault').map((one) => [one]),
        ]
        const alone = parts.map((documents) => compile(documents, OPTIONS))
        const vault = compile(
          others.filter(({ source }) => source === 'vault'),
          OPTIONS,
        )
        const harmless = others.filter(({ source }) => source !== 'vault')
        const wider = compile([...own, ...harmless], OPTIONS)
        for (const one of asked) {
          const decision = ask(mixed, one)
          const answers = [...alone, vault].map((policy) => ask(policy, one))
          const denied = answers.some(
            (answer) => answer.decision === 'deny' && answer.rules.length > 0,
          )
          if (denied) expect(decision.decision).toBe('deny')
          else if (answers.some((answer) => answer.decision === 'allow')) {
            expect(decision.decision).toBe('allow')
          }
          const before = ask(compile(own, OPTIONS), one)
          if (before.decision === 'allow') expect(ask(wider, one).decision).toBe('allow')
        }
      }),
      { numRuns: runs(150) },
    )
  })
})

/** `prefix` and what may be below it, as one path. */
function join(prefix: string, tail: string): string {
  return prefix === '/' ? tail : `${prefix}${tail}`
}

describe('filter', () => {
  test('agrees with decide for everything below its prefix', () => {
    const answers = { all: 0, none: 0, each: 0 }
    const tails = fc.array(path, { minLength: 1, maxLength: 12 })
    assertOften(
      fc.property(native, foreign, question, tails, (list, others, one, below) => {
        const policy = compile([...documentsOf(list), ...others], OPTIONS)
        const { principals, resource: prefix, action, time, context: known } = one
        const subject = policy.subject(principals)
        const answer = policy.filter(subject, action, prefix, time, known)
        answers[typeof answer === 'function' ? 'each' : answer]++
        // `//` is no root with a slash behind it.
        const root = prefix.length > 2 && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
        for (const tail of below) {
          if (tail === '/') continue
          const resource = join(root, tail)
          const request = { subject, action, resource, time, context: known }
          // What is not walkable is denied one by one; a filter speaks of entries that can be.
          if (!/^(\/(?!\.{1,2}(\/|$))[^/]+)+$/.test(resource)) continue
          const allowed = policy.decide(request).decision === 'allow'
          const filtered = typeof answer === 'function' ? answer(resource) : answer === 'all'
          expect([resource, filtered]).toEqual([resource, allowed])
        }
      }),
      runs(1500),
      () => Math.min(answers.each, answers.none),
      50,
    )
  })
})

describe('explain', () => {
  test('agrees with decide and never names a deny', () => {
    fc.assert(
      fc.property(native, foreign, questions, (list, others, asked) => {
        const policy = compile([...documentsOf(list), ...others], OPTIONS)
        for (const { principals: subject, ...rest } of asked) {
          const decision = policy.decide({ subject, ...rest })
          const shown = policy.explain({ subject, ...rest })
          expect(shown.decision).toBe(decision.decision)
          const applied = shown.rules.filter((item) => item.applies).map((item) => item.rule)
          if (decision.decision === 'allow') {
            expect([shown.reason, applied.sort()]).toEqual(['allowed', [...decision.rules].sort()])
          } else if (decision.rules.length > 0) expect(shown.reason).toBe('denied by policy')
          else {
            expect(applied).toEqual([])
            expect(['condition not met', 'no rule allows it']).toContain(shown.reason)
          }
          for (const item of shown.rules) {
            expect(item.effect).toBe('allow')
            expect(item.unmet.length === 0).toBe(item.applies)
          }
          const all = policy.explain({ subject, ...rest }, { denials: true })
          const denied = all.rules.filter((item) => item.applies && item.effect === 'deny')
          const names = decision.decision === 'deny' ? decision.rules : []
          expect(denied.map((item) => item.rule).sort()).toEqual([...names].sort())
        }
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('insight', () => {
  test('whoCan lists those whom decide allows, of all that documents name', () => {
    fc.assert(
      fc.property(native, foreign, question, (list, others, { principals: _, ...request }) => {
        const policy = compile([...documentsOf(list), ...others], OPTIONS)
        const listed = policy.whoCan(request).map(({ principal }) => principal)
        for (const principal of ['user:alice', 'user:bob', 'role:admin', 'group:ops', 'uid:33']) {
          const allowed = policy.decide({ subject: [principal], ...request }).decision === 'allow'
          if (listed.includes(principal)) expect(allowed).toBe(true)
          // Whom no rule names is allowed what everybody is.
          else if (allowed) expect(listed).toContain('*')
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('covers never claims what a foreign document may deny, or does not allow', () => {
    const all = {
      id: 'all',
      effect: 'allow',
      principals: ['*'],
      actions: ['read', 'list', 'delete'],
      resources: ['/', '/**'],
    }
    const patterns = fc.constantFrom(
      '/**',
      '/kv/secret/**',
      '/kv/secret/a',
      '/kv/secret/a/*',
      '/a/**',
      '/kv/**',
    )
    const claims = { yes: 0, no: 0 }
    assertOften(
      fc.property(foreign, questions, context, patterns, (others, asked, known, pattern) => {
        const own = asked.length % 2 === 0 ? [{ id: 'p', rules: [all] }] : []
        const policy = compile([...own, ...others], OPTIONS)
        for (const action of ['read', 'list', 'delete'] as const) {
          const covered = policy.covers(['user:alice'], action, pattern)
          if (own.length > 0) claims[covered ? 'yes' : 'no']++
          if (!covered) continue
          for (const { resource, time } of asked) {
            const inside = pattern.endsWith('/**')
              ? resource.startsWith(pattern.slice(0, -2)) && resource.length > 3
              : resource === pattern
            if (!inside || !/^(\/(?!\.{1,2}(\/|$))[^/]+)+$/.test(resource)) continue
            const request = { subject: ['user:alice'], action, resource, time, context: known }
            expect(policy.decide(request).decision).toBe('allow')
          }
        }
      }),
      runs(500),
      () => Math.min(claims.yes, claims.no),
      50,
    )
  })
})
