import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { FairGate } from '../../src/identity/fair-gate.ts'
import { rejectionOf } from './facts.ts'

/** Runs that end when told, in the order in which they have begun. */
function held(): {
  task: (name: string) => () => Promise<string>
  begun: string[]
  end: () => void
} {
  const begun: string[] = []
  const ends: (() => void)[] = []
  return {
    begun,
    task: (name) => () =>
      new Promise((resolve) => {
        begun.push(name)
        ends.push(() => resolve(name))
      }),
    end: () => ends.shift()?.(),
  }
}

const settle = (): Promise<void> => new Promise(setImmediate)

describe('FairGate', () => {
  it('runs so many, lets so many wait, refuses the rest with when to come again', async () => {
    const { task, begun, end } = held()
    const gate = new FairGate({ maxRunning: 8, maxWaiting: 32 })
    const runs = Array.from({ length: 40 }, (_, i) => gate.run('a', task(`${i}`)))
    await expect(gate.run('a', task('no'))).rejects.toMatchObject({
      reason: 'BUSY',
      retryAfterSeconds: 1,
    })
    expect([gate.running, gate.waiting, begun.length]).toEqual([8, 32, 8])
    for (let i = 0; i < 40; i++) {
      end()
      await settle()
      expect(gate.running).toBeLessThanOrEqual(8)
    }
    expect(await Promise.all(runs)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
    expect(begun).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
    expect([gate.running, gate.waiting]).toEqual([0, 0])
  })

  it('sources take turns', async () => {
    const { task, begun, end } = held()
    const gate = new FairGate({ maxRunning: 1, maxWaiting: 10 })
    const runs = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) =>
      gate.run(name.charAt(0), task(name)),
    )
    for (const _ of runs) {
      end()
      await settle()
    }
    await Promise.all(runs)
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })

  it('a flood gives way to another source, newest first, down to an equal share', async () => {
    const { task, begun, end } = held()
    const gate = new FairGate({ maxRunning: 1, maxWaiting: 5 })
    const flood = [0, 1, 2, 3, 4, 5].map((i) => gate.run('flood', task(`f${i}`)))
    const refused = Promise.all(flood.slice(4).map(rejectionOf))
    const others = [0, 1].map((i) => gate.run('other', task(`o${i}`)))
    expect(await refused).toEqual(['BUSY', 'BUSY'])
    expect(await rejectionOf(gate.run('other', task('o2')))).toBe('BUSY')
    expect(await rejectionOf(gate.run('flood', task('f6')))).toBe('BUSY')
    for (let i = 0; i < 6; i++) {
      end()
      await settle()
    }
    await Promise.all([...flood.slice(0, 4), ...others])
    expect(begun).toEqual(['f0', 'f1', 'o0', 'f2', 'o1', 'f3'])
  })

  it('who leaves gives his place away, and does not run', async () => {
    const { task, begun, end } = held()
    const gate = new FairGate({ maxRunning: 1, maxWaiting: 1 })
    const first = gate.run('a', task('first'))
    const leave = new AbortController()
    const left = gate.run('a', task('left'), leave.signal)
    leave.abort()
    expect(await rejectionOf(left)).toBe('TIMEOUT')
    const next = gate.run('a', task('next'))
    end()
    await first
    await settle()
    end()
    await next
    expect(begun).toEqual(['first', 'next'])
    const late = gate.run('a', task('late'), AbortSignal.abort())
    expect(await rejectionOf(late)).toBe('TIMEOUT')
    expect(gate.running).toBe(0)
  })

  it('a failure frees its place', async () => {
    const gate = new FairGate({ maxRunning: 1, maxWaiting: 1 })
    const fail = vi.fn(() => Promise.reject(new Error('no')))
    await expect(gate.run('a', fail)).rejects.toThrow('no')
    const broken = (): Promise<void> => {
      throw new Error('at once')
    }
    await expect(gate.run('a', broken)).rejects.toThrow('at once')
    expect(gate.running).toBe(0)
  })

  it('keeps its bounds and loses nobody, whatever happens', async () => {
    const step = fc.record({
      what: fc.constantFrom('run', 'run', 'run', 'end', 'leave'),
      source: fc.constantFrom('a', 'b', 'c'),
      which: fc.nat(20),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { task, end } = held()
        const gate = new FairGate({ maxRunning: 2, maxWaiting: 4 })
        const leaves: AbortController[] = []
        const outcomes: Promise<unknown>[] = []
        for (const { what, source, which } of steps) {
          if (what === 'run') {
            const leave = new AbortController()
            leaves.push(leave)
            outcomes.push(rejectionOf(gate.run(source, task(source), leave.signal)))
          } else if (what === 'end') {
            end()
            await settle()
          } else leaves[which % Math.max(1, leaves.length)]?.abort()
          expect(gate.running).toBeLessThanOrEqual(2)
          expect(gate.waiting).toBeLessThanOrEqual(4)
          if (gate.waiting > 0) expect(gate.running).toBe(2)
        }
        for (let i = 0; i <= outcomes.length; i++) {
          end()
          await settle()
        }
        for (const outcome of await Promise.all(outcomes)) {
          expect([undefined, 'BUSY', 'TIMEOUT']).toContain(outcome)
        }
        expect([gate.running, gate.waiting]).toEqual([0, 0])
      }),
    )
  })
})
