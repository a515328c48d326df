import { MemoryEngine } from '@secreg/storage'
import { expect, test } from 'vitest'
import { encodeChange } from '../src/change.ts'
import { WATCH_LIMITS } from '../src/watch/limits.ts'
import { Retention } from '../src/watch/retention.ts'

const HOUR = 3_600_000
const T0 = 1_800_000_000_000

/** A store whose commits have the times and counts that a test says. */
function open(limits: Partial<typeof WATCH_LIMITS> = {}) {
  const medium = new MemoryEngine()
  const time = { wall: T0, monotonic: 0 }
  let count = 0
  let read = 0
  const retention = new Retention({
    engine: {
      changes: (after) => counted(medium.changes(after)),
      get trimmed() {
        return medium.trimmed
      },
      trimChanges: (upTo) => medium.trimChanges(upTo),
    },
    now: () => time.wall,
    monotonicMs: () => time.monotonic,
    changeCount: () => count,
    limits,
  })
  async function* counted<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const row of rows) {
      read++
      yield row
    }
  }
  return {
    medium,
    time,
    rowsRead: () => read,
    commit: async (timeMs: number, events = 1): Promise<void> => {
      count += events
      const change = await encodeChange({ timeMs, count }, [])
      await medium.commit({ ops: [{ type: 'put', key: 'k', value: new Uint8Array(1) }], change })
    },
    /** What is kept after a round, as the first revision that is there. */
    first: async (): Promise<number> => {
      time.monotonic += WATCH_LIMITS.trimEveryMs
      await retention.tick()
      return medium.trimmed + 1
    },
    tick: () => retention.tick(),
  }
}

test('history is kept for 24 hours', async () => {
  const { commit, first, time } = open()
  for (let hour = 0; hour < 30; hour++) await commit(T0 + hour * HOUR)
  time.wall = T0 + 24 * HOUR
  expect(await first()).toBe(1)
  time.wall += 1
  expect(await first()).toBe(2)
  time.wall = T0 + 29 * HOUR
  expect(await first()).toBe(6)
  time.wall = T0 + 100 * HOUR
  expect(await first()).toBe(31)
})

test('history is kept for a million events, whatever their commits', async () => {
  const { commit, first } = open()
  await commit(T0, 400_000)
  await commit(T0, 0)
  await commit(T0, 600_000)
  expect(await first()).toBe(1)
  await commit(T0, 399_999)
  expect(await first()).toBe(1)
  // Of the first commit, all events would be more than a million ago.
  await commit(T0, 1)
  expect(await first()).toBe(3)
  await commit(T0, 1_000_000)
  expect(await first()).toBe(6)
})

test('a round is bounded, and the next follows at once when there is more', async () => {
  const { commit, medium, time, tick } = open({ trimRows: 3 })
  for (let i = 0; i < 8; i++) await commit(T0)
  time.wall = T0 + 25 * HOUR
  const after: number[] = []
  for (let i = 0; i < 4; i++) {
    await tick()
    after.push(medium.trimmed)
  }
  expect(after).toEqual([3, 6, 8, 8])
})

test('what stays is read once', async () => {
  const { commit, first, rowsRead } = open()
  for (let i = 0; i < 100; i++) await commit(T0)
  for (let i = 0; i < 10; i++) expect(await first()).toBe(1)
  expect(rowsRead()).toBe(1)
})

test('between rounds nothing is read', async () => {
  const { commit, rowsRead, tick, time } = open()
  await commit(T0)
  await tick()
  time.wall = T0 + 25 * HOUR
  time.monotonic += WATCH_LIMITS.trimEveryMs - 1
  await tick()
  expect(rowsRead()).toBe(1)
})

test('a clock that is put back drops nothing, and neither do the commits that it made', async () => {
  const { commit, first, time } = open()
  await commit(T0)
  await commit(T0 + HOUR)
  // For a while it is 1970.
  time.wall = 1000
  await commit(1000)
  await commit(2000)
  expect(await first()).toBe(1)
  time.wall = T0 + 2 * HOUR
  await commit(T0 + 2 * HOUR)
  expect(await first()).toBe(1)
  // They go with the commit before them.
  time.wall = T0 + 24 * HOUR + 1
  expect(await first()).toBe(2)
  time.wall = T0 + 25 * HOUR + 1
  expect(await first()).toBe(5)
})

test('commits of a time to come go with the one before them', async () => {
  const { commit, first, time } = open()
  await commit(T0)
  await commit(T0 + 1e10)
  await commit(T0 + HOUR)
  time.wall = T0 + 24 * HOUR + 1
  expect(await first()).toBe(3)
  time.wall = T0 + 26 * HOUR
  expect(await first()).toBe(4)
})
