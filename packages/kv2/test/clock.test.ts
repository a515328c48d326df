/** Waiting that ends, and leaves nothing behind. */
import { getEventListeners } from 'node:events'
import { Kv2Error } from '@secreg/kv2'
import { expect, test } from 'vitest'
import { pause, within } from '../src/clock.ts'
import { Closing } from '../src/closing.ts'
import { ManualClock, turn } from './manual-clock.ts'

const late = (): Error => new Error('late')
const never = new Promise<never>(() => {})

test('a task that is done is not ended any more, by anything', async () => {
  const [clock, closing, caller] = [new ManualClock(), new Closing(), new AbortController()]
  let given: AbortSignal | undefined
  const ends = { timeoutMs: 100, late, closing, signal: caller.signal }
  const result = await within(clock, ends, async (signal) => {
    given = signal
    return 'done'
  })
  await turn()
  expect(result).toBe('done')
  expect(clock.pending).toBe(0)
  expect(getEventListeners(caller.signal, 'abort')).toEqual([])
  closing.close()
  caller.abort()
  expect(given?.aborted).toBe(false)
})

test('the first end is the error, and the task hears of it', async () => {
  for (const [end, message] of [
    ['time', 'late'],
    ['caller', 'enough'],
    ['closing', 'the client is closed'],
  ] as const) {
    const [clock, closing, caller] = [new ManualClock(), new Closing(), new AbortController()]
    let reason: unknown
    const ends = { timeoutMs: 100, late, closing, signal: caller.signal }
    const running = within(clock, ends, async (signal) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      return never
    })
    if (end === 'time') clock.advance(100)
    if (end === 'caller') caller.abort(new Error('enough'))
    if (end === 'closing') closing.close()
    await expect(running).rejects.toThrow(message)
    expect((reason as Error).message).toBe(message)
    expect(clock.pending).toBe(0)
    expect(getEventListeners(caller.signal, 'abort')).toEqual([])
  }
})

test('nothing begins after the end', async () => {
  const clock = new ManualClock()
  const task = async (): Promise<void> => {
    throw new Error('it ran')
  }
  const closing = new Closing()
  closing.close()
  closing.close()
  await expect(within(clock, { timeoutMs: 1, late, closing }, task)).rejects.toSatisfy((error) =>
    Kv2Error.is(error, 'ERR_KV2_CLOSED'),
  )
  const signal = AbortSignal.abort(new Error('enough'))
  const ends = { timeoutMs: 1, late, closing: new Closing(), signal }
  await expect(within(clock, ends, task)).rejects.toThrow('enough')
  await expect(pause(clock, 5, signal)).rejects.toThrow('enough')
  expect(clock.pending).toBe(0)
})

test('a task that throws is a task that fails', async () => {
  const ends = { timeoutMs: 100, late, closing: new Closing() }
  const failing = within(new ManualClock(), ends, () => {
    throw new Error('at once')
  })
  await expect(failing).rejects.toThrow('at once')
})

test('a pause ends with its time or its signal, and leaves nothing behind', async () => {
  const clock = new ManualClock()
  const controller = new AbortController()
  const first = pause(clock, 10, controller.signal)
  clock.advance(10)
  await first
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  const second = pause(clock, 10, controller.signal)
  controller.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  expect(clock.pending).toBe(0)
})
