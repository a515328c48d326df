import type { Context, PolicyConditions, PolicyRule } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applies } from '../src/cell.ts'
import { ConditionScope, type Facts, readConditions } from '../src/condition.ts'
import {
  allowNeverHolds,
  appliesWherever,
  type Clauses,
  excludes,
  implies,
  neverHolds,
  neverWith,
} from '../src/condition-algebra.ts'
import { Reader } from '../src/reader.ts'
import { context, rule, SYSTEM_ZONE, time } from './arbitrary.ts'
import { runs } from './runs.ts'

const scope = new ConditionScope(SYSTEM_ZONE)
const read = (value: PolicyConditions | undefined): Clauses['when'] =>
  value === undefined ? [] : readConditions(new Reader(value, { documentIndex: 0 }), scope)
const clausesOf = ({ effect, when, unless }: Omit<PolicyRule, 'id'>) => ({
  effect,
  when: read(when),
  unless: read(unless),
})

const one = (value: PolicyConditions) => {
  const [condition] = read(value)
  if (condition === undefined) throw new Error('no condition')
  return condition
}

const window = (from: string, to: string, zone = 'Etc/UTC') => ({ time: { from, to, zone } })

describe('two conditions', () => {
  test.each<[PolicyConditions, PolicyConditions, boolean, boolean]>([
    [{ mfa: true }, { mfa: true }, true, false],
    [{ mfa: true }, { mfa: false }, false, true],
    [{ mfa: true }, { door: ['http'] }, false, false],
    [{ door: ['http'] }, { door: ['http', 'kv'] }, true, false],
    [{ door: ['http', 'kv'] }, { door: ['http'] }, false, false],
    [{ door: ['http'] }, { door: ['kv'] }, false, true],
    [{ door: ['http'] }, { purpose: ['http'] }, false, false],
    [{ ip: ['10.1.0.0/16'] }, { ip: ['192.168.0.0/16', '10.0.0.0/8'] }, true, false],
    [{ ip: ['10.0.0.0/8'] }, { ip: ['10.1.0.0/16'] }, false, false],
    [{ ip: ['10.0.0.0/8', '::1'] }, { ip: ['10.0.0.0/8'] }, false, false],
    [{ ip: ['10.0.0.0/8'] }, { ip: ['11.0.0.0/8', '::/0'] }, false, true],
    [{ ip: ['::ffff:10.0.0.1'] }, { ip: ['10.0.0.0/8'] }, true, false],
    [{ metadata: { a: '1', b: '2' } }, { metadata: { a: '1' } }, true, false],
    [{ metadata: { a: '1' } }, { metadata: { a: '1', b: '2' } }, false, false],
    [{ metadata: { a: '1' } }, { metadata: { a: '2' } }, false, true],
    [{ metadata: { a: '1' } }, { metadata: { b: '1' } }, false, false],
    [window('09:00', '12:00'), window('09:00', '17:00'), true, false],
    [window('09:00', '17:00'), window('09:00', '12:00'), false, false],
    [window('09:00', '12:00'), window('12:00', '09:00'), false, true],
    [window('23:00', '01:00'), window('22:00', '02:00'), true, false],
    [window('23:00', '01:00'), window('23:30', '02:00'), false, false],
    [window('00:30', '01:00'), window('23:00', '01:00'), true, false],
    [window('09:00', '12:00'), window('09:00', '17:00', 'Etc/GMT-2'), false, false],
    [window('09:00', '12:00'), window('13:00', '17:00', 'Etc/GMT-2'), false, false],
    [window('09:00', '12:00'), window('09:00', '09:00'), false, true],
  ])('%j and %j', (a, b, implied, excluded) => {
    expect(implies(one(a), one(b))).toBe(implied)
    expect(excludes(one(a), one(b))).toBe(excluded)
  })

  test('only an empty window never holds', () => {
    expect(neverHolds(one(window('09:00', '09:00')))).toBe(true)
    expect(neverHolds(one(window('09:00', '08:59')))).toBe(false)
    expect(neverHolds(one({ mfa: true }))).toBe(false)
  })
})

describe('two rules', () => {
  const many = { numRuns: runs(4000) }
  const facts: fc.Arbitrary<Facts> = fc
    .tuple(context, time)
    .map(([known, at]) => ({ context: known, timeMs: at }))
  const moments = fc.array(facts, { minLength: 20, maxLength: 40 })
  // Rules with few conditions are related more often.
  const few = rule.map((value) => {
    const cut = (clause: PolicyConditions | undefined) => {
      const entry = Object.entries(clause ?? {})[0]
      return entry === undefined ? {} : (Object.fromEntries([entry]) as PolicyConditions)
    }
    const { when, unless, ...rest } = value
    return {
      ...rest,
      ...(when === undefined ? {} : { when: cut(when) }),
      ...(unless === undefined ? {} : { unless: cut(unless) }),
    }
  })

  test('are related as every request says', () => {
    const seen = { wherever: 0, never: 0, off: 0 }
    fc.assert(
      fc.property(few, few, moments, (a, b, asked) => {
        const [one, two] = [clausesOf(a), clausesOf(b)]
        const wherever = one.effect === two.effect || two.effect === 'allow'
        if (wherever && appliesWherever(one, two)) {
          seen.wherever++
          for (const at of asked) if (applies(two, at)) expect(applies(one, at)).toBe(true)
        }
        if (two.effect === 'allow' && neverWith(one, two)) {
          seen.never++
          for (const at of asked) if (applies(two, at)) expect(applies(one, at)).toBe(false)
        }
        if (one.effect === 'allow' && allowNeverHolds(one)) {
          seen.off++
          for (const at of asked) expect(applies(one, at)).toBe(false)
        }
      }),
      many,
    )
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(10)
  })

  test('are related under what is known as every request that has it says', () => {
    const known = fc.tuple(context, time)
    fc.assert(
      fc.property(few, few, known, moments, (a, b, [fixed, at], asked) => {
        const [one, two] = [clausesOf(a), { ...clausesOf(b), effect: 'allow' as const }]
        const given = { ...two, facts: { context: fixed, timeMs: at } }
        const wherever = appliesWherever(one, given)
        const never = neverWith(one, given)
        for (const { context: more, timeMs } of asked) {
          const full: Context = { ...more, ...fixed }
          const moment = { context: full, timeMs: at ?? timeMs }
          if (!applies(two, moment)) continue
          if (wherever) expect(applies(one, moment)).toBe(true)
          if (never) expect(applies(one, moment)).toBe(false)
        }
      }),
      many,
    )
  })
})
