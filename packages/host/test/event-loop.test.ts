import { sampleEventLoop } from '@secreg/host'
import { expect, onTestFinished, test, vi } from 'vitest'
import { holdUpLoop } from './hold-up-loop.ts'

test('a loop that was held up shows in the sample, also if it ends before the next turn', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const sampling = sampleEventLoop(80)
  await holdUpLoop(60)
  vi.advanceTimersByTime(80)
  const { utilization, delayMs } = await sampling
  expect(delayMs.max).toBeGreaterThan(30)
  expect(delayMs.p50).toBeLessThanOrEqual(delayMs.max)
  expect(utilization).toBeGreaterThan(0)
  expect(utilization).toBeLessThanOrEqual(1)
})
