/** Limits of requests and of failed authentications (specs: secrets-api §7, Q25). */
import { AuthFailures, TokenBuckets } from '@secreg/secrets-api/enforcement'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALICE, BOB, bench } from './support.ts'

describe('requests', () => {
  test('a hundred at once, and fifty a second, of each subject', () => {
    const { enforcement, caller, advance, counts } = bench()
    const admitted = (count: number, subject = ALICE) =>
      Array.from({ length: count }, () => enforcement.admit(caller({ subject }))).filter(
        ({ kind }) => kind === 'admitted',
      ).length
    expect(admitted(150)).toBe(100)
    expect(admitted(1, BOB)).toBe(1)
    expect(enforcement.admit(caller())).toMatchObject({
      status: 429,
      code: 'RATE_LIMITED',
      step: 'P1',
      retryAfterSeconds: 1,
    })
    advance(100)
    expect(admitted(10)).toBe(5)
    advance(60_000)
    expect(admitted(150)).toBe(100)
    expect(counts.get('secrets_errors_total RATE_LIMITED')).toBe(50 + 1 + 5 + 50)
  })

  test('subjects of two tenants are two', () => {
    const { enforcement, caller } = bench({ requestLimit: { burst: 1 } })
    expect(enforcement.admit(caller()).kind).toBe('admitted')
    expect(enforcement.admit(caller({ tenant: 'other' })).kind).toBe('admitted')
    expect(enforcement.admit(caller()).kind).toBe('refused')
  })

  test('who asks too much is told when there is one again', () => {
    let nowMs = 0
    const buckets = new TokenBuckets({ perSecond: 0.1, burst: 1 }, () => nowMs)
    expect(buckets.take('a')).toBeUndefined()
    expect(buckets.take('a')).toBe(10)
    nowMs = 9_999
    expect(buckets.take('a')).toBe(1)
    nowMs = 10_000
    expect(buckets.take('a')).toBeUndefined()
  })

  test('in any time no more than was there and came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(400), { maxLength: 120, size: 'max' }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (pauses, perSecond, burst) => {
          let nowMs = 0
          const buckets = new TokenBuckets({ perSecond, burst }, () => nowMs)
          const times: number[] = []
          for (const pause of pauses) {
            nowMs += pause
            if (buckets.take('a') === undefined) times.push(nowMs)
          }
          const excess = times.flatMap((from, at) =>
            times.slice(at).map((to, more) => more + 1 - burst - ((to - from) / 1000) * perSecond),
          )
          expect(Math.max(0, ...excess)).toBeLessThan(1e-6)
        },
      ),
    )
  })

  test('many subjects take bounded room, and the one that asks most is not forgotten', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2, maxKeys: 10 }, () => 0)
    buckets.take('loud')
    buckets.take('loud')
    for (let each = 0; each < 1_000; each++) {
      buckets.take(`x${each}`)
      expect(buckets.take('loud')).toBe(1)
    }
    expect(buckets.size).toBe(10)
  })
})

describe('failed authentications', () => {
  const make = (limit = {}) => {
    const clock = { nowMs: 0 }
    return { clock, failures: new AuthFailures(limit, () => clock.nowMs) }
  }

  test('ten in a minute, of each source', () => {
    const { clock, failures } = make()
    for (let each = 0; each < 10; each++) {
      expect(failures.retryAfterSeconds('10.0.0.1')).toBeUndefined()
      failures.fail('10.0.0.1')
      clock.nowMs += 1_000
    }
    expect(failures.retryAfterSeconds('10.0.0.1')).toBe(50)
    expect(failures.retryAfterSeconds('10.0.0.2')).toBeUndefined()
    clock.nowMs = 59_999
    expect(failures.retryAfterSeconds('10.0.0.1')).toBe(1)
    clock.nowMs = 60_000
    expect(failures.retryAfterSeconds('10.0.0.1')).toBeUndefined()
    failures.fail('10.0.0.1')
    expect(failures.retryAfterSeconds('10.0.0.1')).toBe(1)
  })

  test('in any minute no more than ten are looked at', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 80, size: 'max' }), (pauses) => {
        const { clock, failures } = make()
        const times: number[] = []
        for (const pause of pauses) {
          clock.nowMs += pause
          if (failures.retryAfterSeconds('a') !== undefined) continue
          failures.fail('a')
          times.push(clock.nowMs)
        }
        times.forEach((from) => {
          const within = times.filter((time) => time >= from && time < from + 60_000)
          expect(within.length).toBeLessThanOrEqual(10)
        })
      }),
    )
  })

  test('many sources take bounded room', () => {
    const { failures } = make({ maxKeys: 5 })
    for (let each = 0; each < 100; each++) failures.fail(`10.0.0.${each}`)
    expect(failures.size).toBe(5)
  })

  test('limits that are none', () => {
    for (const limit of [{ failures: 0 }, { windowSeconds: -1 }, { maxKeys: 1.5 }]) {
      expect(() => make(limit)).toThrow(RangeError)
    }
  })
})
