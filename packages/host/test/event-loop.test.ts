import { sampleEventLoop } from '@secreg/host'
import { expect, test } from 'vitest'

test('a loop that was held up shows in the sample', async () => {
  const sampling = sampleEventLoop(80)
  await new Promise((resume) => setTimeout(resume, 20))
  const end = performance.now() + 60
  while (performance.now() < end);
  const { utilization, delayMs } = await sampling
  expect(delayMs.max).toBeGreaterThan(30)
  expect(delayMs.p50).toBeLessThanOrEqual(delayMs.max)
  expect(utilization).toBeGreaterThan(0)
  expect(utilization).toBeLessThanOrEqual(1)
})
