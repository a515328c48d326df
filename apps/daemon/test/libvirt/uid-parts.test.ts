import { ByteBudget } from '@secreg/host'
import { expect, test } from 'vitest'
import { UidParts } from '../../src/libvirt/uid-parts.ts'

test('the connections of one user take a quarter of the budget together, and others have the rest', () => {
  const budget = new ByteBudget(400)
  const parts = new UidParts(budget)
  const [first, second] = [parts.lease(1), parts.lease(1)]
  expect(first.tryTake(60)).toBe(true)
  expect(second.tryTake(41)).toBe(false)
  expect(second.tryTake(40)).toBe(true)
  expect(first.tryTake(1)).toBe(false)
  expect([first.heldBytes, second.heldBytes, budget.usedBytes]).toEqual([60, 40, 100])
  const other = parts.lease(2)
  expect(other.tryTake(100)).toBe(true)
  first.release(20)
  expect(second.tryTake(20)).toBe(true)
  second.close()
  // Once more gives back nothing more.
  second.close()
  second.release(0)
  expect(second.tryTake(1)).toBe(false)
  expect(first.tryTake(60)).toBe(true)
  expect(first.tryTake(1)).toBe(false)
  first.close()
  other.close()
  expect(budget.usedBytes).toBe(0)
})

test('where the budget itself has no room, nothing is taken of a part either', () => {
  const budget = new ByteBudget(400)
  const parts = new UidParts(budget)
  const lease = parts.lease(1)
  expect(budget.tryTake(350)).toBe(true)
  expect(lease.tryTake(60)).toBe(false)
  budget.release(350)
  expect(lease.tryTake(100)).toBe(true)
  expect(lease.tryTake(1)).toBe(false)
  lease.close()
})
