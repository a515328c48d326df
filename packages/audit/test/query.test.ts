import { openLog } from '@secreg/audit'
import { createMemoryFiles } from '@secreg/audit/testing'
import { describe, expect, test } from 'vitest'
import { collect, freshDirectory, items, openSmall, range, SEGMENT_1, T0 } from './support.ts'

const field = (body: unknown, name: string): unknown => (body as Record<string, unknown>)[name]

async function manySegments(count = 300) {
  const files = createMemoryFiles()
  const log = await openSmall(files, { segmentBytes: 2000 })
  for (let n = 1; n <= count; n++) {
    const body = JSON.stringify({
      user: n % 3 ? 'alice' : 'bob',
      key: n % 2 ? '/system/net' : '/app/x',
      action: n % 5 ? 'read' : 'delete',
      failed: n % 7 === 0,
    })
    log.append([{ timeMs: T0 + n * 1000, body }])
  }
  return { files, log }
}

const sequences = async (...args: Parameters<typeof collect>): Promise<number[]> =>
  (await collect(...args)).map(({ sequence }) => sequence)

test('newest first, 100 unless told otherwise, limit 1 is the newest', async () => {
  const { log } = await manySegments()
  const all = range(300).reverse()
  expect(await sequences(log)).toEqual(all.slice(0, 100))
  expect(await sequences(log, { limit: 1 })).toEqual([300])
  expect(await sequences(log, { limit: 0 })).toEqual([])
  expect(await sequences(log, { limit: Number.POSITIVE_INFINITY })).toEqual(all)
  for (const limit of [-1, Number.NaN, '1' as unknown as number]) {
    await expect(collect(log, { limit })).rejects.toThrow(RangeError)
  }
})

test('weakness 52: user and key and action and time and failed combine', async () => {
  const { log } = await manySegments()
  const found = await collect(log, {
    sinceMs: T0 + 50_000,
    untilMs: T0 + 290_000,
    limit: 1,
    match: ({ body }) =>
      field(body, 'user') === 'alice' &&
      field(body, 'key') === '/system/net' &&
      field(body, 'action') === 'delete' &&
      field(body, 'failed') === true,
  })
  const expected = range(300)
    .filter((n) => n >= 50 && n < 290 && n % 3 && n % 2 && n % 5 === 0 && n % 7 === 0)
    .reverse()
  expect(expected.length).toBeGreaterThan(1)
  expect(found.map(({ sequence }) => sequence)).toEqual(expected.slice(0, 1))
})

test('since counts, until does not', async () => {
  const { log } = await manySegments(20)
  const at = (n: number): number => T0 + n * 1000
  expect(await sequences(log, { sinceMs: at(5), untilMs: at(8) })).toEqual([7, 6, 5])
  expect(await sequences(log, { sinceMs: at(5) - 0.5, untilMs: at(6) })).toEqual([5])
  expect(await sequences(log, { sinceMs: at(20) + 1 })).toEqual([])
  expect(await sequences(log, { untilMs: at(2) })).toEqual([1])
  expect(await sequences(log, { sinceMs: -1, untilMs: 8.64e15 })).toHaveLength(20)
  expect(await sequences(log, { untilMs: -1 })).toEqual([])
  await expect(collect(log, { sinceMs: Number.NaN })).rejects.toThrow(RangeError)
})

test('a clock that was set back hides nothing in the segments it touched', async () => {
  const files = createMemoryFiles()
  const log = await openSmall(files)
  const times = [0, 1000, 2000, -9_000_000, -9_000_000, 3000]
  log.append(times.map((delta) => ({ timeMs: T0 + delta, body: '{}' })))
  expect(await sequences(log, { sinceMs: T0 + 500 })).toEqual([6, 3, 2])
})

test('nor in segments before those', async () => {
  const log = await openSmall(createMemoryFiles(), { segmentBytes: 1 })
  const at = (delta: number) => ({ timeMs: T0 + delta, body: '{}' })
  log.append([at(1000)])
  log.append([at(-9_000_000), at(2000), at(-9_000_000)])
  log.append([at(3000)])
  expect(await sequences(log, { sinceMs: T0 + 500 })).toEqual([5, 3, 1])
})

test('segments that are too old are not read', async () => {
  const { files, log } = await manySegments()
  let opened = 0
  const open = files.open.bind(files)
  files.open = (path, access) => {
    opened++
    return open(path, access)
  }
  expect(await sequences(log, { sinceMs: T0 + 299_000 })).toEqual([300, 299])
  expect(opened).toBeLessThanOrEqual(2)
})

describe('long and odd lines', () => {
  test.each([1, 1000, 128 * 1024 - 200, 128 * 1024, 500_000])('of %i bytes', async (length) => {
    const log = await openSmall(createMemoryFiles())
    for (let n = 1; n <= 5; n++) {
      log.append([...items(3), { timeMs: T0, body: JSON.stringify({ text: 'x'.repeat(length) }) }])
    }
    expect(await sequences(log)).toEqual(range(20).reverse())
    expect(field((await collect(log, { limit: 1 }))[0]?.body, 'text')).toHaveLength(length)
  })
})

test('sees what was written before it was asked for, and survives a rotation meanwhile', async () => {
  const log = await openLog({ directory: freshDirectory(), segmentBytes: 500 })
  for (const item of items(10)) log.append([item])
  const seen: number[] = []
  const query = log.query()
  for (const item of items(10, 11)) log.append([item])
  for await (const { sequence } of query) {
    seen.push(sequence)
    log.append(items(1, 100))
  }
  expect(seen).toEqual(range(10).reverse())
  await log.close()
})

test('leaves the main thread between slices, and closes its files when stopped early', async () => {
  const log = await openLog({ directory: freshDirectory(), segmentBytes: 1 << 20 })
  for (let n = 0; n < 40; n++) log.append(items(500, n * 500))
  let turns = 0
  const count = (): void => {
    turns++
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  const found = await sequences(log, { match: ({ sequence }) => sequence === 1 })
  clearImmediate(immediate)
  expect(found).toEqual([1])
  expect(turns).toBeGreaterThan(3)
  for await (const { sequence } of log.query()) if (sequence < 19_990) break
  await log.close()
})

test('a damaged line is an error, not a silent gap', async () => {
  const { files, log } = await manySegments(5)
  const bytes = files.readFile(SEGMENT_1)
  const text = bytes.toString()
  for (const [from, to] of [
    ['{"seq":3,', '{"seq":x,'],
    ['"key":"/system/net"', '"key":"/system/net\\'],
  ] as const) {
    files.writeFile(SEGMENT_1, Buffer.from(text.replace(from, to)))
    await expect(collect(log)).rejects.toMatchObject({ code: 'ERR_AUDIT_TAMPERED', segment: 1 })
  }
})
