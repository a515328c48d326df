import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExpiryClock } from '../src/expiry-clock.ts'

const MINUTE = 60_000

function clocks(highWaterMs?: number) {
  const time = { wall: 1_000_000_000_000, monotonic: 0 }
  const clock = new ExpiryClock({
    wallMs: () => time.wall,
    monotonicMs: () => time.monotonic,
    ...(highWaterMs === undefined ? {} : { highWaterMs }),
  })
  const pass = (ms: number): void => {
    time.wall += ms
    time.monotonic += ms
  }
  return { time, clock, pass }
}

describe('the clock of expiry', () => {
  test('goes with the wall clock', () => {
    const { time, clock, pass } = clocks()
    pass(5000)
    expect(clock.now()).toBe(time.wall)
    expect(clock.believed()).toBe(time.wall)
  })

  test('does not go back with it, and goes on', () => {
    const { time, clock, pass } = clocks()
    pass(MINUTE)
    const before = clock.believed()
    time.wall -= 3_600_000
    expect(clock.now()).toBe(before)
    pass(1000)
    expect(clock.now()).toBe(before + 1000)
  })

  test('begins at the mark of the process before', () => {
    const { clock, pass } = clocks(1_000_000_500_000)
    expect(clock.now()).toBe(1_000_000_500_000)
    pass(10)
    expect(clock.believed()).toBe(1_000_000_500_010)
  })

  test('readers follow a leap at once; erasing waits until it has lasted', () => {
    const { time, clock, pass } = clocks()
    const before = clock.believed()
    time.wall += 86_400_000
    expect(clock.now()).toBe(time.wall)
    expect(clock.believed()).toBe(before)
    pass(9 * MINUTE)
    expect(clock.believed()).toBe(before + 9 * MINUTE)
    pass(MINUTE)
    expect(clock.believed()).toBe(time.wall)
  })

  test('a leap that is put right has erased nothing', () => {
    const { time, clock, pass } = clocks()
    const before = clock.believed()
    time.wall += 86_400_000
    clock.believed()
    pass(MINUTE)
    time.wall -= 86_400_000
    expect(clock.believed()).toBe(before + MINUTE)
    expect(clock.now()).toBe(before + MINUTE)
  })

  test('believed time never goes back and is never ahead of what readers see', () => {
    const step = fc.record({ wall: fc.integer({ min: -1e7, max: 1e7 }), pass: fc.nat(1e6) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { time, clock } = clocks()
        let last = clock.believed()
        for (const { wall, pass } of steps) {
          time.wall += wall
          time.monotonic += pass
          const believed = clock.believed()
          expect(believed).toBeGreaterThanOrEqual(last)
          expect(clock.now()).toBeGreaterThanOrEqual(believed)
          last = believed
        }
      }),
    )
  })
})
