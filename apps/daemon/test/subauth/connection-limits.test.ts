import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConnectionLimits } from '../../src/subauth/connection-limits.ts'

test('a user has so many, and the others theirs', () => {
  const limits = new ConnectionLimits({ maxConnections: 10, maxConnectionsPerUid: 2 })
  expect([1, 1, 1, 2, 2, 2].map((uid) => limits.enter(uid))).toEqual([
    ...[true, true, false],
    ...[true, true, false],
  ])
  limits.leave(1)
  expect([limits.enter(2), limits.enter(1), limits.enter(1)]).toEqual([false, true, false])
})

test('root has as many as there are', () => {
  const limits = new ConnectionLimits({ maxConnections: 5, maxConnectionsPerUid: 2 })
  expect([0, 0, 0, 0, 0, 0].map((uid) => limits.enter(uid))).toEqual([
    ...[true, true, true, true, true],
    false,
  ])
  expect(limits.enter(1)).toBe(false)
})

test('other limits hold from then on, and whoever is there stays', () => {
  const limits = new ConnectionLimits({ maxConnections: 5, maxConnectionsPerUid: 3 })
  for (let count = 0; count < 3; count++) limits.enter(7)
  limits.configure({ maxConnections: 5, maxConnectionsPerUid: 2 })
  limits.leave(7)
  expect(limits.enter(7)).toBe(false)
  limits.leave(7)
  expect(limits.enter(7)).toBe(true)
  limits.configure({ maxConnections: 2, maxConnectionsPerUid: 2 })
  expect(limits.enter(8)).toBe(false)
})

test('whoever is not there cannot leave', () => {
  const limits = new ConnectionLimits({ maxConnections: 5, maxConnectionsPerUid: 3 })
  expect(() => limits.leave(7)).toThrow(RangeError)
  limits.enter(7)
  limits.leave(7)
  expect(() => limits.leave(7)).toThrow(RangeError)
})

test('never more than there may be, whoever comes and goes', () => {
  const step = fc.record({ uid: fc.integer({ min: 0, max: 3 }), enters: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limits = new ConnectionLimits({ maxConnections: 6, maxConnectionsPerUid: 2 })
      const there: number[] = []
      for (const { uid, enters } of steps) {
        const own = there.filter((each) => each === uid).length
        if (enters) {
          const expected = there.length < 6 && (uid === 0 || own < 2)
          expect(limits.enter(uid)).toBe(expected)
          if (expected) there.push(uid)
        } else if (own > 0) {
          limits.leave(uid)
          there.splice(there.indexOf(uid), 1)
        }
      }
    }),
  )
})
