import type * as timersPromises from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GentleSlices } from '../../src/segments/gentle-slices.ts'

type Sleep = { readonly ms: number; readonly keepsProcess: boolean }
const sleeps: Sleep[] = []

vi.mock('node:timers/promises', async (importOriginal) => {
  const original = await importOriginal<typeof timersPromises>()
  const setTimeout: typeof original.setTimeout = (ms, value, options) => {
    sleeps.push({ ms: ms ?? 0, keepsProcess: options?.ref !== false })
    return original.setTimeout(ms, value, options)
  }
  return { ...original, setTimeout }
})

function work(ms: number): void {
  const begun = performance.now()
  while (performance.now() - begun < ms);
}

const turn = () => new Promise((resume) => setImmediate(resume))
let busy = true

beforeEach(() => {
  sleeps.length = 0
  busy = true
  const others = (): void => {
    work(0.5)
    if (busy) setImmediate(others)
  }
  setImmediate(others)
})

afterEach(() => {
  busy = false
})

/** A pause on a busy thread that sleeps by now, and would for seconds. */
async function asleep({ signal }: AbortController): Promise<{ readonly pause: Promise<void> }> {
  const slices = new GentleSlices(signal)
  work(300)
  const pause = slices.pause()
  while (sleeps.length === 0) await turn()
  return { pause }
}

test('a program that only waits for a checkpoint is not left without it (exit code 13): a pause keeps the process', async () => {
  const leisure = new AbortController()
  const { pause } = await asleep(leisure)
  expect(sleeps).toEqual([{ ms: expect.any(Number), keepsProcess: true }])
  expect(sleeps[0]?.ms).toBeGreaterThan(19 * 299)
  leisure.abort()
  await pause
})

test('once somebody waits, a pause ends, and those that follow leave the thread for a turn only', async () => {
  const leisure = new AbortController()
  const { pause } = await asleep(leisure)
  leisure.abort()
  await pause
  const slices = new GentleSlices(leisure.signal)
  work(300)
  await slices.pause()
  expect(sleeps).toHaveLength(1)
})
