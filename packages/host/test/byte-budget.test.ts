import { ByteBudget, HostError } from '@secreg/host'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const codeOf = (error: unknown): string => (HostError.is(error) ? error.code : String(error))

describe('ByteBudget', () => {
  it('takes what is there, refuses the rest, and remembers the most', () => {
    const budget = new ByteBudget(100)
    expect(budget.tryTake(60)).toBe(true)
    expect(budget.tryTake(41)).toBe(false)
    expect(budget.tryTake(40)).toBe(true)
    expect([budget.usedBytes, budget.highWaterBytes]).toEqual([100, 100])
    budget.release(70)
    expect([budget.usedBytes, budget.highWaterBytes]).toEqual([30, 100])
  })

  it('serves who waits in order, and lets nobody pass', async () => {
    const budget = new ByteBudget(100)
    await budget.take(90)
    const order: string[] = []
    const large = budget.take(50).then(() => order.push('large'))
    const small = budget.take(5).then(() => order.push('small'))
    expect(budget.waiting).toBe(2)
    expect(budget.tryTake(1)).toBe(false)
    budget.release(90)
    await Promise.all([large, small])
    expect(order).toEqual(['large', 'small'])
    expect(budget.usedBytes).toBe(55)
  })

  it('lets a waiter leave, and serves who stood behind it', async () => {
    const budget = new ByteBudget(100)
    await budget.take(90)
    const control = new AbortController()
    const large = budget.take(50, control.signal)
    const small = budget.take(5)
    control.abort(new Error('left'))
    await expect(large).rejects.toThrow('left')
    await small
    expect([budget.usedBytes, budget.waiting]).toEqual([95, 0])
    await expect(budget.take(1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
    expect(budget.usedBytes).toBe(95)
  })

  it('refuses more than all, and more waiters than allowed', async () => {
    const budget = new ByteBudget(100, { maxWaiters: 1 })
    expect(codeOf(await budget.take(101).catch((error) => error))).toBe('ERR_HOST_BUDGET_EXCEEDED')
    await budget.take(100)
    const waiting = budget.take(1)
    expect(codeOf(await budget.take(1).catch((error) => error))).toBe('ERR_HOST_BUDGET_BUSY')
    budget.release(100)
    await waiting
  })

  it('gives back the rest of a lease when it closes, once', () => {
    const budget = new ByteBudget(100)
    const lease = budget.lease()
    expect(lease.tryTake(60)).toBe(true)
    lease.release(10)
    expect([lease.heldBytes, budget.usedBytes]).toEqual([50, 50])
    expect(() => lease.release(51)).toThrow(RangeError)
    lease.close()
    lease.close()
    lease.release(10)
    expect(lease.tryTake(1)).toBe(false)
    expect([lease.heldBytes, budget.usedBytes]).toEqual([0, 0])
  })

  it('never counts below zero or above all', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -60, max: 60 })), (steps) => {
        const budget = new ByteBudget(100)
        let used = 0
        for (const step of steps) {
          if (step >= 0) used += budget.tryTake(step) ? step : 0
          else if (-step <= used) {
            budget.release(-step)
            used += step
          } else expect(() => budget.release(-step)).toThrow(RangeError)
          expect(budget.usedBytes).toBe(used)
          expect(used).toBeLessThanOrEqual(100)
        }
      }),
    )
  })

  it.each([[-1], [0.5], [Number.NaN], [Number.POSITIVE_INFINITY], ['1'], [undefined], [1n]])(
    'refuses the size %s',
    (size) => {
      const budget = new ByteBudget(10)
      expect(() => budget.tryTake(size as number)).toThrow(/^bytes: expected/)
      expect(() => budget.release(size as number)).toThrow(/^bytes: expected/)
      expect(() => new ByteBudget(size as number)).toThrow(/^totalBytes: expected/)
    },
  )
})
