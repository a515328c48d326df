import { expect, test } from 'vitest'
import { setUpRunner as setUp } from './runner-setup.ts'
import { settle, until } from './support.ts'

test('closing lets a batch end within the grace', async () => {
  let finish = (): void => {}
  const { runner, clock, cursors } = setUp({
    count: 3,
    deliver: () =>
      new Promise((resolve) => {
        finish = resolve
      }),
  })
  runner.poke()
  await settle()
  const closed = runner.close(500)
  clock.advance(499)
  finish()
  await closed
  expect(cursors.stored?.sequence).toBe(3)
  expect(clock.waiting).toBe(0)
})

test('closing aborts a batch after the grace, and moves nothing', async () => {
  const signals: AbortSignal[] = []
  const { runner, clock, cursors } = setUp({
    count: 3,
    deliver: (_, signal) => {
      signals.push(signal)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    },
  })
  runner.poke()
  await until(() => signals.length === 1)
  const closed = runner.close(500)
  expect(runner.close(0)).toBe(closed)
  clock.advance(500)
  await closed
  expect(signals[0]?.reason).toMatchObject({ code: 'ERR_SINK_CLOSED' })
  expect(cursors.stored).toBeUndefined()
  runner.poke()
  await settle()
  expect(signals).toHaveLength(1)
})

test('closing ends even if a batch heeds nothing, and its late end moves nothing', async () => {
  let finish = (): void => {}
  let begun = false
  const { runner, clock, cursors } = setUp({
    count: 3,
    deliver: () =>
      new Promise((resolve) => {
        begun = true
        finish = resolve
      }),
  })
  runner.poke()
  await until(() => begun)
  const closed = runner.close(500)
  clock.advance(500)
  clock.advance(1000)
  await closed
  finish()
  await settle()
  expect(cursors.stores).toBe(0)
})

test('closing does not wait for the next attempt', async () => {
  const { runner, failures, events } = setUp({ count: 1 })
  failures.push(new Error('once'))
  runner.poke()
  await until(() => events.length === 1)
  await runner.close(500)
  expect(runner.status.state).toBe('stopped')
})
