import {
  type CompiledPolicy,
  compile,
  type PolicyChanges,
  type PolicyDocument,
  PolicyError,
  type PolicyRule,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PersistentMap } from '../src/persistent-map.ts'
import {
  ACTIONS_USED,
  prefix as anyPrefix,
  principals,
  question,
  rule,
  SYSTEM_ZONE,
} from './arbitrary.ts'

const IDS = ['a', 'b', 'c', 'd', 'e']

const documentOf = (id: string, list: readonly Omit<PolicyRule, 'id'>[]): PolicyDocument => ({
  id,
  rules: list.map((value, index) => ({ id: `r${index}`, ...value })),
})

const document = fc
  .tuple(fc.constantFrom(...IDS), fc.array(rule, { maxLength: 5 }))
  .map(([id, list]) => documentOf(id, list))
const change = fc.record({
  set: fc.uniqueArray(document, { maxLength: 3, selector: ({ id }) => id }),
  remove: fc.subarray(IDS, { maxLength: 2 }),
})

const OPTIONS = { systemZone: SYSTEM_ZONE }

/** The same change on a list of documents. */
function changed(
  documents: readonly PolicyDocument[],
  { set, remove }: { set: PolicyDocument[]; remove: string[] },
): PolicyDocument[] {
  const kept = documents.filter(({ id }) => !remove.includes(id))
  const known = new Set(kept.map(({ id }) => id))
  return [
    ...kept.map((old) => set.find(({ id }) => id === old.id) ?? old),
    ...set.filter(({ id }) => !known.has(id)),
  ]
}

describe('replace', () => {
  test('comes to what compile comes to, and leaves the old policy as it was', () => {
    const questions = fc.array(question, { minLength: 4, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 5 }),
        questions,
        anyPrefix,
        (steps, asked, prefix) => {
          let documents: PolicyDocument[] = []
          let policy = compile(documents, OPTIONS)
          const past: [CompiledPolicy, PolicyDocument[]][] = []
          for (const step of steps) {
            past.push([policy, documents])
            documents = changed(documents, step)
            policy = policy.replace(step)
          }
          for (const [one, of] of [...past, [policy, documents] as const]) {
            const whole = compile(of, OPTIONS)
            expect(one.documents).toEqual(whole.documents)
            expect(one.ruleCount).toBe(whole.ruleCount)
            for (const { principals: subject, ...request } of asked) {
              const { action, time, context } = request
              expect(one.decide({ subject, ...request })).toEqual(
                whole.decide({ subject, ...request }),
              )
              expect(one.whoCan(request)).toEqual(whole.whoCan(request))
              expect(one.whatCan(subject, { time, context })).toEqual(
                whole.whatCan(subject, { time, context }),
              )
              const filters = [one, whole].map((each) =>
                each.filter(subject, action, prefix, time, context),
              )
              expect(String(filters[0])).toBe(String(filters[1]))
            }
          }
        },
      ),
      { numRuns: 400 },
    )
  })

  test('leaves nothing behind', () => {
    fc.assert(
      fc.property(fc.array(document, { maxLength: 4 }), fc.array(principals), (list, named) => {
        const set = [...new Map(list.map((one) => [one.id, one])).values()]
        const policy = compile(set).replace({ remove: set.map(({ id }) => id) })
        expect([policy.documents, policy.ruleCount]).toEqual([[], 0])
        for (const subject of named) {
          for (const action of ACTIONS_USED)
            expect(policy.filter(subject, action, '/')).toBe('none')
        }
        expect(policy.whoCan({ action: 'read', resource: '/a' })).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  const one = (id: string, resource = '/a'): PolicyDocument =>
    documentOf(id, [
      { effect: 'allow', principals: ['user:a'], actions: ['read'], resources: [resource] },
    ])

  test('keeps the place of a document, and puts a new one last', () => {
    const policy = compile([one('b'), one('c')]).replace({ set: [one('a'), one('b', '/**')] })
    expect(policy.documents).toEqual(['b', 'c', 'a'])
    const request = { subject: ['user:a'], action: 'read', resource: '/a' } as const
    expect(policy.decide(request).rules).toEqual(['b/r0', 'c/r0', 'a/r0'])
    const moved = policy.replace({ set: [one('b')], remove: ['b'] })
    expect(moved.documents).toEqual(['c', 'a', 'b'])
    expect(moved.decide(request).rules).toEqual(['c/r0', 'a/r0', 'b/r0'])
  })

  test('takes subjects of the policy before', () => {
    const policy = compile([one('a')])
    const subject = policy.subject(['user:a'])
    const request = { subject, action: 'read', resource: '/a' } as const
    expect(policy.replace({ remove: ['a'] }).decide(request).decision).toBe('deny')
    expect(policy.replace({ set: [one('b')] }).decide(request).rules).toEqual(['a/r0', 'b/r0'])
    expect(policy.decide(request).rules).toEqual(['a/r0'])
  })

  test('does not change the zone of windows that name none', () => {
    const when = { time: { from: '00:00', to: '12:00' } }
    const [value] = one('a').rules
    const set = [{ id: 'a', rules: [{ ...value, when }] }]
    const policy = compile([], { systemZone: 'Etc/GMT-12' }).replace({ set })
    const time = Date.UTC(2026, 0, 1, 23)
    expect(
      policy.decide({ subject: ['user:a'], action: 'read', resource: '/a', time }).decision,
    ).toBe('allow')
  })

  test('does not pile up conditions of documents that are gone', () => {
    let policy = compile([one('a')])
    const [value] = one('a').rules
    for (let index = 0; index < 3 * 4200; index++) {
      const when = { door: [`door-${index}`], ip: ['10.0.0.0/8'] }
      policy = policy.replace({ set: [{ id: 'b', rules: [{ ...value, when }] }] })
    }
    const request = { subject: ['user:a'], action: 'read', resource: '/a' } as const
    const context = { door: 'door-12599', ip: '10.0.0.1' }
    expect(policy.decide({ ...request, context }).rules).toEqual(['a/r0', 'b/r0'])
    expect(scopeSizeOf(policy)).toBeLessThan(10_000)
  })

  test('of one document among ten thousand costs a small part of compile', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      documentOf(`d${index}`, [
        {
          effect: 'allow',
          principals: [`account:${index}`, 'role:user'],
          actions: ['read'],
          resources: [`/users/${index}/**`],
        },
      ]),
    )
    const best = (runs: number, run: (at: number) => void): number => {
      let least = Number.POSITIVE_INFINITY
      for (let at = 0; at < runs; at++) {
        const started = performance.now()
        run(at)
        least = Math.min(least, performance.now() - started)
      }
      return least
    }
    const whole = best(3, () => compile(many))
    let policy = compile(many)
    const part = best(20, (at) => {
      policy = policy.replace({ set: [documentOf(`d${at}`, []), many[at + 100]] })
    })
    expect(part).toBeLessThan(whole / 10)
  })

  test.each<[unknown]>([
    [undefined],
    [null],
    [{ set: 'a' }],
    [{ set: { id: 'a' } }],
    [{ remove: 'a' }],
    [{ remove: [1] }],
  ])('%j is no change', (changes) => {
    expect(() => compile([]).replace(changes as PolicyChanges)).toThrow(TypeError)
  })

  test('refuses what compile refuses, and says which', () => {
    const policy = compile([one('a')])
    const caught = (set: unknown[]): unknown => {
      try {
        return policy.replace({ set })
      } catch (error) {
        return error
      }
    }
    for (const set of [
      [one('b'), { id: 'c' }],
      [one('b'), one('b')],
    ]) {
      const error = caught(set)
      expect(PolicyError.is(error) && error.documentIndex).toBe(1)
    }
    expect(policy.documents).toEqual(['a'])
  })
})

/** What the policy holds for conditions, found from outside since nothing in use tells it. */
function scopeSizeOf(policy: CompiledPolicy): number {
  return (policy as unknown as { edition: { scope: { size: number } } }).edition.scope.size
}

describe('PersistentMap', () => {
  test('is a map at every step', () => {
    const key = fc.constantFrom(...Array.from({ length: 300 }, (_, index) => `k${index}`))
    const entry = fc.tuple(key, fc.option(fc.nat(), { nil: undefined }))
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 120 }), { maxLength: 6 }), (steps) => {
        let map = PersistentMap.empty<number>()
        let model = new Map<string, number>()
        for (const step of steps) {
          const [old, oldModel] = [map, model]
          model = new Map(model)
          for (const [name, value] of step) {
            if (value === undefined) model.delete(name)
            else model.set(name, value)
          }
          map = map.with(new Map(step))
          for (const [one, other] of [
            [map, model],
            [old, oldModel],
          ] as const) {
            expect(one.size).toBe(other.size)
            expect(new Map(one.entries())).toEqual(other)
            expect([...one.values()].sort()).toEqual([...other.values()].sort())
            for (const [name] of step) expect(one.get(name)).toBe(other.get(name))
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
