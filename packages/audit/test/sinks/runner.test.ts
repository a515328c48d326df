import { AuditError, type LogCursor } from '@secreg/audit'
import { expect, test } from 'vitest'
import { SinkError } from '../../src/sinks/errors.ts'
import { type SinkEvent, SinkRunner } from '../../src/sinks/runner.ts'
import { range } from '../support.ts'
import { setUpRunner as setUp } from './runner-setup.ts'
import { fakeLog, memoryCursors, settle, until } from './support.ts'

test('delivers everything in order, then what comes', async () => {
  const { log, runner, delivered, cursors } = setUp({ count: 10 })
  expect(runner.status).toEqual({ name: 'test', state: 'idle', sequence: 0, lag: 10 })
  runner.poke()
  expect(runner.status.state).toBe('delivering')
  await until(() => runner.status.state === 'idle')
  expect(delivered).toEqual(range(10))
  log.add({}, {})
  expect(runner.status).toMatchObject({ sequence: 10, lag: 2 })
  runner.poke()
  await until(() => runner.status.lag === 0)
  expect(delivered).toEqual(range(12))
  await runner.close(0)
  expect(cursors.stored).toEqual(log.synced)
  expect(runner.status.state).toBe('stopped')
})

test('a poke at any moment is not forgotten', async () => {
  const { log, runner, delivered } = setUp()
  for (let turn = 0; turn < 40; turn++) {
    log.add({})
    runner.poke()
    for (let wait = 0; wait < turn % 7; wait++) await Promise.resolve()
    if (turn % 3 === 0) await settle(turn % 5)
  }
  await until(() => runner.status.lag === 0)
  expect(delivered).toEqual(range(40))
})

test('batches keep to the limits', async () => {
  const sizes: number[] = []
  const { log, runner } = setUp({
    maxRecords: 3,
    maxBytes: 500,
    deliver: async (records) => void sizes.push(records.length),
  })
  log.add({}, {}, {}, {}, { long: 'x'.repeat(1000) }, {}, {})
  runner.poke()
  await until(() => runner.status.lag === 0)
  expect(sizes.reduce((a, b) => a + b)).toBe(7)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(3)
  expect(sizes).toContain(1)
})

test('a failing receiver is tried again after 1, 2, 4 … 30 s, and the status says since when', async () => {
  const { runner, failures, clock, events, delivered } = setUp({ count: 2 })
  const text = 'peer says: <script>'
  failures.push(...range(8).map(() => Object.assign(new Error(text), { code: 'ECONNREFUSED' })))
  runner.poke()
  const waits: number[] = []
  for (let failed = 1; failed <= 8; failed++) {
    await until(() => events.length === failed)
    const event = events.at(-1) as SinkEvent & { type: 'failed' }
    expect(event).toMatchObject({ type: 'failed', error: 'ECONNREFUSED' })
    expect(runner.status).toEqual({
      name: 'test',
      state: 'retrying',
      sequence: 0,
      lag: 2,
      since: 1_000_000,
      error: 'ECONNREFUSED',
    })
    waits.push(event.retryInMs)
    clock.advance(event.retryInMs - 1)
    await settle()
    expect(events).toHaveLength(failed)
    clock.advance(1)
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  await until(() => runner.status.state === 'idle')
  expect(runner.status).toEqual({ name: 'test', state: 'idle', sequence: 2, lag: 0 })
  expect(delivered).toEqual([1, 2])
  expect(events.at(-1)).toEqual({ type: 'recovered', sequence: 2 })
  expect(JSON.stringify(events)).not.toContain('script')
})

test('a code that is no code is not shown', async () => {
  const { runner, failures, events } = setUp({ count: 1 })
  failures.push(Object.assign(new Error('x'), { code: 'evil\ncode' }))
  runner.poke()
  await until(() => events.length > 0)
  expect(runner.status.error).toBe('ERR_SINK_FAILED')
})

test('a batch that takes too long is aborted; the next attempt waits until it has let go', async () => {
  let settleFirst = (_: Error): void => {}
  const signals: AbortSignal[] = []
  const { runner, clock, events } = setUp({
    count: 1,
    batchTimeoutMs: 5000,
    deliver: (_, signal) => {
      signals.push(signal)
      if (signals.length > 1) return Promise.resolve()
      return new Promise((_, reject) => {
        settleFirst = reject
      })
    },
  })
  runner.poke()
  await until(() => signals.length === 1)
  clock.advance(4999)
  expect(signals[0]?.aborted).toBe(false)
  clock.advance(1)
  expect(signals[0]?.aborted).toBe(true)
  expect(runner.status).toMatchObject({ state: 'retrying', error: 'ERR_SINK_TIMEOUT' })
  clock.advance(100_000)
  await settle()
  expect(signals).toHaveLength(1)
  settleFirst(new Error('aborted'))
  await until(() => events.length === 1)
  expect(events[0]).toMatchObject({ type: 'failed', error: 'ERR_SINK_TIMEOUT' })
  clock.advance(1000)
  await until(() => runner.status.state === 'idle')
  expect(runner.status).toMatchObject({ sequence: 1, lag: 0 })
})

test('a slow sink holds up nobody', async () => {
  const { log, clock, runner } = setUp({ count: 3, deliver: () => new Promise(() => {}) })
  const quick: number[] = []
  const other = new SinkRunner({
    name: 'other',
    source: log,
    cursors: memoryCursors(),
    clock,
    deliver: async (records) => void quick.push(...records.map(({ sequence }) => sequence)),
  })
  runner.poke()
  other.poke()
  await until(() => other.status.lag === 0)
  expect(quick).toEqual(range(3))
  expect(runner.status).toMatchObject({ state: 'delivering', lag: 3 })
})

test('the cursor is stored once a second, and at close', async () => {
  const { log, runner, cursors, clock } = setUp({ count: 1 })
  runner.poke()
  await until(() => cursors.stored?.sequence === 1)
  for (let n = 2; n <= 30; n++) {
    log.add({})
    runner.poke()
    await until(() => runner.status.lag === 0)
    clock.advance(100)
    await settle(3)
  }
  expect(cursors.stores).toBeGreaterThanOrEqual(3)
  expect(cursors.stores).toBeLessThanOrEqual(4)
  log.add({})
  runner.poke()
  await until(() => runner.status.lag === 0)
  await runner.close(1000)
  expect(cursors.stored).toEqual(log.synced)
  const { stores } = cursors
  clock.advance(5000)
  await settle()
  expect(cursors.stores).toBe(stores)
  expect(clock.waiting).toBe(0)
})

test('a cursor that cannot be stored is told, tried again, and delivery goes on', async () => {
  const { log, runner, cursors, clock, events } = setUp({ count: 4 })
  cursors.failures.push(Object.assign(new Error(), { code: 'ENOSPC' }))
  runner.poke()
  await until(() => events.length > 0)
  expect(events).toEqual([{ type: 'cursor-failed', error: 'ENOSPC' }])
  log.add({})
  runner.poke()
  await until(() => runner.status.lag === 0)
  expect(cursors.stored).toBeUndefined()
  clock.advance(1000)
  await until(() => cursors.stored?.sequence === 5)
})

test('goes on from the stored cursor', async () => {
  const first = setUp({ count: 6 })
  first.runner.poke()
  await until(() => first.runner.status.lag === 0)
  await first.runner.close(0)
  first.log.add({}, {})
  const second = first.start()
  second.poke()
  await until(() => second.status.lag === 0)
  expect(first.delivered).toEqual(range(8))
  expect(first.events).toEqual([])
})

const FOREIGN: LogCursor = {
  segment: 1,
  offset: 10,
  sequence: 3,
  hash: 'ab'.repeat(32),
  revision: 0,
}

test.each([
  ['ahead', { ...FOREIGN, sequence: 9 }],
  ['ahead', { ...FOREIGN, segment: 2 }],
  ['replaced', FOREIGN],
  ['replaced', { ...FOREIGN, sequence: 6 }],
] as const)('a cursor of another log is not trusted: %s', async (reason, stored) => {
  const { runner, delivered, events } = setUp({ count: 6, stored })
  runner.poke()
  await until(() => runner.status.lag === 0 && runner.status.state === 'idle')
  expect(delivered).toEqual(range(6))
  expect(events).toEqual([{ type: 'cursor-rejected', reason }])
})

test('a stored cursor where the log reads as damaged is not trusted, once', async () => {
  const { log, runner, delivered, events, clock } = setUp({ count: 6, stored: FOREIGN })
  const damaged = (): AuditError => new AuditError('ERR_AUDIT_TAMPERED', 'a line is damaged')
  log.failures.push(damaged(), damaged())
  runner.poke()
  await until(() => events.length === 2)
  expect(events).toEqual([
    { type: 'cursor-rejected', reason: 'replaced' },
    { type: 'failed', error: 'ERR_AUDIT_TAMPERED', retryInMs: 1000 },
  ])
  clock.advance(1000)
  await until(() => runner.status.lag === 0)
  expect(delivered).toEqual(range(6))
})

test('a log that cannot be read for the moment says nothing against the cursor', async () => {
  const first = setUp({ count: 6 })
  first.runner.poke()
  await until(() => first.runner.status.lag === 0)
  await first.runner.close(0)
  first.log.add({})
  first.log.failures.push(Object.assign(new Error(), { code: 'EIO' }))
  const second = first.start()
  second.poke()
  await until(() => first.events.length === 1)
  first.clock.advance(1000)
  await until(() => second.status.lag === 0)
  expect(first.delivered).toEqual(range(7))
})

test('a log that stops following what was delivered stops the sink, and repeats nothing', async () => {
  const { log, runner, delivered, events, clock } = setUp({ count: 4 })
  runner.poke()
  await until(() => runner.status.lag === 0)
  const other = fakeLog()
  other.add({ other: 1 }, ...range(9).map((n) => ({ n })))
  log.synced = other.synced
  log.readAfter = other.readAfter
  runner.poke()
  for (let attempt = 1; attempt <= 3; attempt++) {
    await until(() => events.length === attempt)
    expect(runner.status).toMatchObject({ state: 'retrying', error: 'ERR_SINK_SOURCE' })
    clock.advance(60_000)
  }
  expect(delivered).toEqual(range(4))
})

test('a source that leaves out a record is refused', async () => {
  const { log, runner, delivered, events } = setUp({ count: 4 })
  const { readAfter } = log
  log.readAfter = async (cursor, limits) => {
    const batch = await readAfter(cursor, limits)
    return { ...batch, records: batch.records.filter(({ sequence }) => sequence !== 3) }
  }
  runner.poke()
  await until(() => events.length === 1)
  expect(events[0]).toMatchObject({ type: 'failed', error: 'ERR_SINK_SOURCE' })
  expect(delivered).toEqual([])
})

test('what retention took before it was delivered is told, once', async () => {
  const { log, runner, delivered, events, failures, clock } = setUp({ count: 6 })
  log.drop(2)
  failures.push(new SinkError('ERR_SINK_FAILED', 'once'))
  runner.poke()
  await until(() => events.length === 1)
  clock.advance(1000)
  await until(() => runner.status.lag === 0)
  expect(delivered).toEqual(range(4, 3))
  expect(events.map(({ type }) => type)).toEqual(['failed', 'missed', 'recovered'])
  expect(events[1]).toEqual({ type: 'missed', records: 2, before: 3 })
})

test('an observer that throws does no harm', async () => {
  const { runner, failures, clock, delivered } = setUp({
    count: 3,
    observer: () => {
      throw new Error('observer')
    },
  })
  failures.push(new Error('once'))
  runner.poke()
  await until(() => runner.status.state === 'retrying')
  clock.advance(1000)
  await until(() => runner.status.lag === 0)
  expect(delivered).toEqual(range(3))
})

test.each(['', 'Upper', 'a/b', '..', 'x'.repeat(33), 'a.part'])(
  '%j is no name of a sink',
  (name) => {
    expect(() => setUp({ name })).toThrow(RangeError)
  },
)

test.each(['maxRecords', 'maxBytes', 'batchTimeoutMs'])('%s must be at least 1', (limit) => {
  for (const value of [0, -1, Number.NaN, '5']) {
    expect(() => setUp({ [limit]: value })).toThrow(RangeError)
  }
})
