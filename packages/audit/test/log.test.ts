import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, ENVELOPE_BYTES, type LogEvent, openLog, verifyDirectory } from '@secreg/audit'
import { createMemoryFiles } from '@secreg/audit/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  collect,
  DIRECTORY,
  freshDirectory,
  items,
  leaf,
  linesOf,
  manualClock,
  numbers,
  openSmall,
  range,
  SEGMENT_1,
  T0,
} from './support.ts'

test('lines have exactly the documented form and chain', async () => {
  const directory = freshDirectory()
  const log = await openLog({ directory })
  log.append([{ timeMs: T0, body: '{"a":1}' }])
  log.append([
    { timeMs: T0, revision: 7, body: '{"b":"ü"}' },
    { timeMs: T0 + 1, body: '{}' },
  ])
  const one = `{"seq":1,"time":"2026-11-22T07:04:05.123Z","prev":"${'0'.repeat(64)}","body":{"a":1}}`
  const two = `{"seq":2,"time":"2026-11-22T07:04:05.123Z","prev":"${leaf(one)}","rev":7,"body":{"b":"ü"}}`
  const three = `{"seq":3,"time":"2026-11-22T07:04:05.124Z","prev":"${leaf(two)}","body":{}}`
  const path = join(directory, '00000001.jsonl')
  const text = readFileSync(path, 'utf8')
  expect(text).toBe(`${one}\n${two}\n${three}\n`)
  const offset = Buffer.byteLength(text)
  expect(log.tail).toEqual({ segment: 1, offset, sequence: 3, hash: leaf(three), revision: 7 })
  expect(log.synced.sequence).toBe(0)
  expect(await log.sync()).toEqual(log.tail)
  for (const [name, mode] of [
    ['', 0o700],
    ['00000001.jsonl', 0o600],
    ['reserve', 0o600],
  ] as const) {
    expect(statSync(join(directory, name)).mode & 0o777).toBe(mode)
  }
  expect(log.gate(1024)).toBe(true)
  await log.close()
  const again = await openLog({ directory, cursor: log.synced })
  expect(again.tail).toEqual(log.tail)
  expect(again.recovered).toMatchObject({ tornBytes: 0, linesAfterCursor: 0 })
  const records = await collect(again)
  expect(records.map(({ sequence }) => sequence)).toEqual([3, 2, 1])
  expect(records[1]).toEqual({
    sequence: 2,
    timeMs: T0,
    revision: 7,
    previous: leaf(one),
    body: { b: 'ü' },
  })
  await again.close()
  const tail = { sequence: 3, hash: leaf(three) }
  expect(await verifyDirectory(directory)).toMatchObject({ ok: true, records: 3, tail })
})

describe('weakness 53: no text forges a line', () => {
  const hostile = [
    'a\nb',
    'a\r\n{"seq":9}',
    '\0',
    '\u2028\u2029\u0085',
    '\u001b[2J',
    '"}\n{"seq":2,"time":"2026-11-22T07:04:05.123Z","prev":"","body":{}}',
    '\ud800',
    '\udfff\ud800',
    '}}',
    '💥',
  ]
  test.each(hostile.map((name) => [name]))('%j in a body', async (name) => {
    const files = createMemoryFiles()
    const log = await openSmall(files)
    log.append([
      { timeMs: T0, body: JSON.stringify({ name, [name]: 1 }) },
      { timeMs: T0, body: '{"n":2}' },
    ])
    expect(linesOf(files.readFile(SEGMENT_1))).toHaveLength(2)
    const records = await collect(log)
    expect(records[1]?.body).toEqual({ name, [name]: 1 })
    await log.close()
    expect(await verifyDirectory(DIRECTORY, { files })).toMatchObject({ ok: true, records: 2 })
  })

  test.each([
    ['no object', '[]'],
    ['empty', ''],
    ['space before', ' {}'],
    ['newline', '{"a":\n1}'],
    ['newline at the end', '{}\n'],
    ['NUL', '{"a":"\0"}'],
    ['not closed', '{"a":1'],
    ['no text', undefined],
  ])('a raw body is refused: %s', async (_, body) => {
    const files = createMemoryFiles()
    const log = await openSmall(files)
    const item = { timeMs: T0, body: body as string }
    expect(() => log.append([...items(1), item])).toThrow(TypeError)
    expect(files.readFile(SEGMENT_1)).toHaveLength(0)
    log.append(items(1))
    expect(log.tail.sequence).toBe(1)
  })

  test.each([
    ['timeMs', { timeMs: 1.5 }],
    ['timeMs', { timeMs: -1 }],
    ['timeMs', { timeMs: Number.NaN }],
    ['timeMs', { timeMs: 253_402_300_800_000 }],
    ['revision', { timeMs: T0, revision: 0 }],
    ['revision', { timeMs: T0, revision: 2 ** 53 }],
  ])('a wrong %s is refused and nothing written: %o', async (_, wrong) => {
    const files = createMemoryFiles()
    const log = await openSmall(files)
    expect(() => log.append([...items(2), { ...wrong, body: '{}' }])).toThrow(RangeError)
    expect(files.readFile(SEGMENT_1)).toHaveLength(0)
    expect(log.state).toBe('healthy')
  })
})

test('any bodies come back as they were, through any number of starts and segments', async () => {
  const group = fc.array(
    fc.record({
      timeMs: fc.integer({ min: 0, max: 253_402_300_799_999 }),
      revision: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
      value: fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
    }),
    { maxLength: 6 },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(group, { maxLength: 8 }), fc.boolean(), async (groups, reopen) => {
      const files = createMemoryFiles()
      let log = await openSmall(files, { segmentBytes: 700 })
      const expected: unknown[] = []
      for (const entries of groups) {
        const bodies = entries.map(({ timeMs, revision, value }) => ({
          timeMs,
          ...(revision === undefined ? {} : { revision }),
          body: JSON.stringify(value),
        }))
        const before = log.tail
        log.append(bodies)
        const used = bodies.reduce(
          (sum, { body }) => sum + Buffer.byteLength(body) + ENVELOPE_BYTES,
          0,
        )
        if (log.tail.segment === before.segment) {
          expect(log.tail.offset - before.offset).toBeLessThanOrEqual(used)
        }
        for (const { timeMs, revision, body } of bodies) {
          expected.push({ timeMs, revision, body: JSON.parse(body) })
        }
        if (reopen) {
          const { tail } = log
          await log.close()
          log = await openSmall(files, { segmentBytes: 700, cursor: log.synced })
          expect(log.tail).toEqual(tail)
        }
      }
      const found = await collect(log, { limit: Number.POSITIVE_INFINITY })
      expect(
        found.reverse().map(({ timeMs, revision, body }) => ({ timeMs, revision, body })),
      ).toEqual(expected)
      await log.close()
      const { ok, records } = await verifyDirectory(DIRECTORY, { files, known: [log.tail] })
      expect({ ok, records }).toEqual({ ok: true, records: expected.length })
    }),
    { numRuns: 60 },
  )
})

test('segments rotate at their size, numbers and chain go on', async () => {
  const directory = freshDirectory()
  const events: LogEvent[] = []
  const log = await openLog({
    directory,
    segmentBytes: 1000,
    observer: (event) => events.push(event),
  })
  for (const item of items(40)) log.append([item])
  expect(log.tail.segment).toBeGreaterThan(4)
  expect(events.filter(({ type }) => type === 'rotated')).toHaveLength(log.tail.segment - 1)
  for (let segment = 1; segment < log.tail.segment; segment++) {
    const path = join(directory, `${String(segment).padStart(8, '0')}.jsonl`)
    expect(statSync(path).size).toBeGreaterThanOrEqual(1000)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  }
  expect(await numbers(log)).toEqual(range(40))
  await log.close()
  expect(await verifyDirectory(directory)).toMatchObject({ ok: true, records: 40 })
  const again = await openLog({ directory })
  expect(again.tail).toEqual(log.tail)
  await again.close()
})

test('a line is synced within the interval; calls of sync share one fdatasync', async () => {
  const files = createMemoryFiles()
  const clock = manualClock()
  const synced: number[] = []
  const log = await openSmall(files, {
    clock,
    observer: (event) => event.type === 'synced' && synced.push(event.cursor.sequence),
  })
  const before = files.syncs
  expect(clock.waiting).toBe(0)
  log.append(items(2))
  expect(clock.waiting).toBe(1)
  log.append(items(1, 3))
  expect(clock.waiting).toBe(1)
  clock.advance(999)
  // The timer has started it; this call waits for it and the one that it makes necessary.
  await log.sync()
  expect(synced[0]).toBe(3)
  log.append(items(1, 4))
  const first = log.sync()
  log.append(items(1, 5))
  const rest = [log.sync(), log.sync(), log.sync()]
  expect((await first).sequence).toBe(4)
  expect(clock.waiting).toBeLessThanOrEqual(1)
  expect((await Promise.all(rest)).map(({ sequence }) => sequence)).toEqual([5, 5, 5])
  expect(files.syncs - before).toBeLessThanOrEqual(4)
  const last = log.sync()
  log.append(items(1, 6))
  expect(clock.waiting).toBe(1)
  await last
  const running = log.sync()
  log.append(items(1, 7))
  await running
  // The line came too late for that one, and must not wait for the next append.
  expect(clock.waiting).toBe(1)
  await log.close()
  expect(clock.waiting).toBe(0)
})

test('a closed log says so, and is closed once', async () => {
  const log = await openSmall(createMemoryFiles())
  log.append(items(3))
  await log.close()
  await log.close()
  expect(log.synced.sequence).toBe(3)
  expect(log.state).toBe('closed')
  expect(log.gate(1)).toBe(false)
  const code = { code: 'ERR_AUDIT_CLOSED' }
  expect(() => log.append(items(1))).toThrow(expect.objectContaining(code))
  expect(() => log.query()).toThrow(expect.objectContaining(code))
  await expect(log.sync()).rejects.toMatchObject(code)
  const error = await log.sync().catch((reason: unknown) => reason)
  expect(AuditError.is(error)).toBe(true)
  expect(AuditError.is(new Error('x'))).toBe(false)
})

test.each(['segmentBytes', 'reserveBytes', 'syncIntervalMs', 'repairIntervalMs'] as const)(
  'a wrong %s is refused',
  async (name) => {
    for (const value of [0, -1, 1.5, Number.NaN, '1' as unknown as number]) {
      await expect(openSmall(createMemoryFiles(), { [name]: value })).rejects.toThrow(RangeError)
    }
  },
)

test('a group larger than the buffer is one write', async () => {
  const files = createMemoryFiles()
  const log = await openSmall(files)
  const body = JSON.stringify({ text: 'é'.repeat(2_000_000) })
  log.append([{ timeMs: T0, body }, ...items(1)])
  log.append(items(1))
  await log.close()
  expect(await verifyDirectory(DIRECTORY, { files })).toMatchObject({ ok: true, records: 3 })
})
