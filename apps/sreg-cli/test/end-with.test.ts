import { afterEach, expect, test } from 'vitest'
import { endWith } from '../src/end-with.ts'

const before = process.exitCode
afterEach(() => {
  process.exitCode = before
})

const listeners = (): readonly ((...args: never[]) => unknown)[] => process.listeners('beforeExit')

test('the exit code is that of the work, and nothing stays behind', async () => {
  const there = listeners().length
  await endWith(Promise.resolve(3))
  expect(process.exitCode).toBe(3)
  await endWith(Promise.resolve(0))
  expect(process.exitCode).toBe(0)
  await expect(endWith(Promise.reject(new RangeError('x')))).rejects.toThrow('x')
  expect(listeners()).toHaveLength(there)
})

test('work that waits for what never comes is no success', async () => {
  process.exitCode = 0
  let finish = (_: number): void => {}
  const done = endWith(
    new Promise((resolve) => {
      finish = resolve
    }),
  )
  // As Node.js does when nothing is left that could go on.
  listeners().at(-1)?.()
  expect(process.exitCode).toBe(7)
  finish(0)
  await done
  expect(process.exitCode).toBe(0)
})
