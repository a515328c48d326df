import { expect, it, vi } from 'vitest'
import { SingleFlight } from '../../src/identity/single-flight.ts'
import { rejectionOf } from './facts.ts'

it('equal keys share one run, others do not', async () => {
  const flights = new SingleFlight<number>()
  const start = vi.fn(async () => 7)
  const answers = ['a', 'a', 'b', 'a'].map((key) => flights.run(key, start))
  expect(await Promise.all(answers)).toEqual([7, 7, 7, 7])
  expect(start).toHaveBeenCalledTimes(2)
  expect(flights.size).toBe(0)
  await flights.run('a', start)
  expect(start).toHaveBeenCalledTimes(3)
})

it('all who wait get the failure, and the next asks anew', async () => {
  const flights = new SingleFlight<number>()
  const fail = async (): Promise<number> => {
    throw new Error('no')
  }
  const failed = [1, 2, 3].map(() => flights.run('a', fail).catch((error: Error) => error.message))
  expect(await Promise.all(failed)).toEqual(['no', 'no', 'no'])
  expect(await flights.run('a', async () => 1)).toBe(1)
})

it('who leaves does not end the run of the others; the last one does', async () => {
  const flights = new SingleFlight<number>()
  const { promise, resolve } = withResolve<number>()
  let inner: AbortSignal | undefined
  const start = (signal: AbortSignal): Promise<number> => {
    inner = signal
    return promise
  }
  const first = new AbortController()
  const second = new AbortController()
  const left = flights.run('a', start, first.signal)
  const stays = flights.run('a', start, second.signal)
  first.abort()
  expect(await rejectionOf(left)).toBe('TIMEOUT')
  expect(inner?.aborted).toBe(false)
  resolve(5)
  expect(await stays).toBe(5)

  const third = new AbortController()
  const never = flights.run(
    'b',
    (signal) => {
      inner = signal
      return new Promise<number>(() => {})
    },
    third.signal,
  )
  third.abort()
  expect(await rejectionOf(never)).toBe('TIMEOUT')
  expect(inner?.aborted).toBe(true)
  expect(flights.size).toBe(0)
})

it('whose signal has ended starts nothing', async () => {
  const start = vi.fn(async () => 1)
  const run = new SingleFlight<number>().run('a', start, AbortSignal.abort())
  expect(await rejectionOf(run)).toBe('TIMEOUT')
  expect(start).not.toHaveBeenCalled()
})

it('a run that fails after all have left is nobody’s unhandled rejection', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  try {
    const flights = new SingleFlight<number>()
    const leave = new AbortController()
    const run = flights.run(
      'a',
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('given up')))
        }),
      leave.signal,
    )
    leave.abort()
    expect(await rejectionOf(run)).toBe('TIMEOUT')
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(unhandled).not.toHaveBeenCalled()
  } finally {
    process.off('unhandledRejection', unhandled)
  }
})

it('after clear nobody joins what is under way', async () => {
  const flights = new SingleFlight<number>()
  const { promise, resolve } = withResolve<number>()
  const old = flights.run('a', () => promise)
  flights.clear()
  const fresh = flights.run('a', async () => 2)
  resolve(1)
  expect(await Promise.all([old, fresh])).toEqual([1, 2])
})

function withResolve<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
