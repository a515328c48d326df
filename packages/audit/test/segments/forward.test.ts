import type { LogCursor } from '@secreg/audit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { segmentPath } from '../../src/directory.ts'
import { Indexes } from '../../src/segments/indexes.ts'
import { leafHashes } from '../../src/segments/leaf-hashes.ts'
import { locate } from '../../src/segments/locate.ts'
import { ForwardReader, readAfter } from '../../src/segments/read-after.ts'
import { removeSegments } from '../../src/segments/retention.ts'
import { DIRECTORY } from '../support.ts'
import {
  anySegments,
  archiverOf,
  bodies,
  chunksOf,
  START,
  terms,
  type WrittenLine,
  type WrittenLog,
  writeLog,
} from './support.ts'

const ALL = { maxRecords: 1e9, maxBytes: 1e9 }

function cursorOf(log: WrittenLog, sequence: number): LogCursor {
  const line = log.lines[sequence - 1]
  if (line === undefined) return START
  const revision = Math.max(...log.lines.slice(0, sequence).map((each) => each.revision ?? 0))
  return { segment: line.segment, offset: line.offset, sequence, hash: line.hash, revision }
}

const read = (log: WrittenLog, cursor: LogCursor, limits = ALL, synced = log.tail) =>
  readAfter(log.files, DIRECTORY, synced, cursor, limits)

const recordOf = ({ segment, offset, hash, ...record }: WrittenLine) => record

/** Close some of the segments, and perhaps remove some of these. */
async function withSome(segments: Parameters<typeof writeLog>[0], closed: number) {
  const log = writeLog(segments)
  const segment = Math.min(closed + 1, log.tail.segment)
  await archiverOf(log, { synced: () => ({ ...log.tail, segment }) }).run()
  return log
}

test('any log, after each of its lines: the rest of them, in batches of any size', async () => {
  const limits = fc.record({
    maxRecords: fc.constantFrom(1, 2, 7, 1000),
    maxBytes: fc.constantFrom(1, 500, 5000, 1_000_000),
  })
  await fc.assert(
    fc.asyncProperty(anySegments, limits, fc.nat({ max: 6 }), async (segments, sizes, closed) => {
      const log = await withSome(segments, closed)
      for (let from = 0; from <= log.lines.length; from++) {
        const cursor = cursorOf(log, from)
        const { records, ...rest } = await read(log, cursor)
        expect(records).toEqual(log.lines.slice(from).map(recordOf))
        expect(rest).toEqual({ cursor: log.tail, missed: 0 })
        const located = await locate(log.files, DIRECTORY, log.tail, from + 1)
        expect({ ...located, revision: 0 }).toEqual({ ...cursor, revision: 0 })
        expect(located.revision).toBeLessThanOrEqual(cursor.revision)
      }
      const reader = new ForwardReader(log.files, DIRECTORY)
      let cursor = START
      for (let at = 0; at < log.lines.length; ) {
        const batch = await reader.read(log.tail, cursor, sizes)
        const size = batch.records.reduce((sum, { line }) => sum + Buffer.byteLength(line) + 1, 0)
        expect(batch.records.length).toBeGreaterThan(0)
        expect(batch.records.length).toBeLessThanOrEqual(sizes.maxRecords)
        if (batch.records.length > 1) expect(size).toBeLessThanOrEqual(sizes.maxBytes)
        expect(batch.records).toEqual(log.lines.slice(at, at + batch.records.length).map(recordOf))
        at += batch.records.length
        cursor = batch.cursor
        expect(cursor).toEqual(cursorOf(log, at))
      }
      expect(await reader.read(log.tail, cursor, sizes)).toEqual({ records: [], cursor, missed: 0 })
      reader.close()
    }),
    { numRuns: 40 },
  )
})

test('indexes of the log only spare reading', async () => {
  const log = writeLog([bodies(3000), bodies(10, 3001)])
  await archiverOf(log).run()
  const indexes = new Indexes(log.files, DIRECTORY, { terms })
  const limits = { maxRecords: 100, maxBytes: 1e9 }
  let opened: string[] = []
  const open = log.files.open.bind(log.files)
  log.files.open = (path, access) => {
    opened.push(path)
    return open(path, access)
  }
  for (let from = 0; from < 3000; from += 100) {
    const cursor = cursorOf(log, from)
    opened = []
    const { records } = await readAfter(log.files, DIRECTORY, log.tail, cursor, limits, indexes)
    expect(records).toEqual(log.lines.slice(from, from + 100).map(recordOf))
    const lines = segmentPath(DIRECTORY, 1, 'jsonl.gz')
    expect(opened).toEqual(from === 0 ? [segmentPath(DIRECTORY, 1, 'index'), lines] : [lines])
  }
})

test('never beyond what is synced', async () => {
  const log = writeLog([bodies(10), bodies(10, 11), bodies(10, 21)])
  for (let until = 0; until <= 30; until++) {
    for (const from of [0, 5, 10, 15, 30]) {
      const batch = await read(log, cursorOf(log, from), ALL, cursorOf(log, until))
      const expected = log.lines.slice(from, Math.max(from, until)).map(recordOf)
      expect(batch.records).toEqual(expected)
      expect(batch.cursor.sequence).toBe(Math.max(from, until))
    }
  }
})

test('a segment that is compressed or removed between two batches', async () => {
  const log = writeLog([bodies(10), bodies(10, 11), bodies(10, 21)])
  const reader = new ForwardReader(log.files, DIRECTORY)
  const limits = { maxRecords: 6, maxBytes: 1e9 }
  const first = await reader.read(log.tail, START, limits)
  await archiverOf(log).run()
  const second = await reader.read(log.tail, first.cursor, limits)
  expect(second.records.map(({ sequence }) => sequence)).toEqual([7, 8, 9, 10, 11, 12])
  await removeSegments(log.files, DIRECTORY, 2)
  // What is open can still be read.
  const third = await reader.read(log.tail, second.cursor, limits)
  expect(third.records.map(({ sequence }) => sequence)).toEqual([13, 14, 15, 16, 17, 18])
  reader.close()
  const { records, missed } = await reader.read(log.tail, third.cursor, limits)
  expect(records.map(({ sequence }) => sequence)).toEqual([21, 22, 23, 24, 25, 26])
  expect(missed).toBe(2)
  reader.close()
})

test.each([0, 1, 4, 9, 10, 11, 19, 20])('after line %i, removed with its segment', async (from) => {
  const log = writeLog([bodies(10), bodies(10, 11), bodies(10, 21)])
  const cursor = cursorOf(log, from)
  await archiverOf(log).run()
  await removeSegments(log.files, DIRECTORY, 2)
  const { records, missed } = await read(log, cursor)
  expect(records).toEqual(log.lines.slice(20).map(recordOf))
  expect(missed).toBe(20 - from)
  const located = await locate(log.files, DIRECTORY, log.tail, from + 1)
  expect(located).toMatchObject({ sequence: from, hash: cursor.hash })
  expect(await read(log, located)).toMatchObject({ missed: 20 - from })
})

describe('what does not fit', () => {
  const log = writeLog([bodies(10), bodies(10, 11)])
  const at = (sequence: number, change: Partial<LogCursor>): LogCursor => ({
    ...cursorOf(log, sequence),
    ...change,
  })
  test.each([
    ['another hash', at(5, { hash: 'f'.repeat(64) })],
    ['another sequence', at(5, { sequence: 6 })],
    ['an offset within a line', at(5, { offset: cursorOf(log, 5).offset + 1 })],
    ['an offset behind the end', at(5, { offset: 1_000_000 })],
    ['another segment', at(5, { segment: 2 })],
    ['the end of the segment with a hash that is not its own', at(10, { hash: 'f'.repeat(64) })],
  ])('a cursor with %s', async (_, cursor) => {
    await expect(read(log, cursor)).rejects.toMatchObject({ code: 'ERR_AUDIT_TAMPERED' })
  })

  test('a line that was changed', async () => {
    const other = writeLog([bodies(10), bodies(10, 11)])
    const path = segmentPath(DIRECTORY, 1)
    const text = other.files.readFile(path).toString()
    other.files.writeFile(path, Buffer.from(text.replace('"n":5', '"n":6')))
    await expect(read(other, START)).rejects.toMatchObject({
      code: 'ERR_AUDIT_TAMPERED',
      sequence: 6,
    })
  })

  test('a segment that does not end with a line', async () => {
    const other = writeLog([bodies(10), bodies(10, 11)])
    const path = segmentPath(DIRECTORY, 1)
    other.files.writeFile(path, other.files.readFile(path).subarray(0, -1))
    const error = { code: 'ERR_AUDIT_TAMPERED', segment: 1 }
    await expect(read(other, START)).rejects.toMatchObject(error)
    await expect(
      chunksOf(leafHashes(other.files, DIRECTORY, other.tail, 0, 20)),
    ).rejects.toMatchObject(error)
  })

  test.each([0, -1, Number.NaN])('limits of %d', async (limit) => {
    await expect(read(log, START, { ...ALL, maxRecords: limit })).rejects.toThrow(RangeError)
    await expect(read(log, START, { ...ALL, maxBytes: limit })).rejects.toThrow(RangeError)
  })

  test.each([0, -1, 22, 1.5, Number.NaN])('line %d is not there', async (sequence) => {
    await expect(locate(log.files, DIRECTORY, log.tail, sequence)).rejects.toThrow(RangeError)
  })
})

test('leaf hashes of any stretch, from hashes and from lines', async () => {
  const log = await withSome([bodies(10), bodies(3, 11), bodies(1, 14), bodies(9, 15)], 2)
  const expected = log.lines.map(({ hash }) => hash)
  const stretch = (start: number, end: number): Promise<Buffer> =>
    chunksOf(leafHashes(log.files, DIRECTORY, log.tail, start, end))
  for (const removed of [0, 1, 2]) {
    await removeSegments(log.files, DIRECTORY, removed)
    for (let start = 0; start <= 23; start++) {
      for (let end = start; end <= 23; end++) {
        const found = await stretch(start, end)
        expect(found.toString('hex')).toBe(expected.slice(start, end).join(''))
      }
    }
  }
  for (const [start, end] of [
    [-1, 2],
    [3, 2],
    [0, 24],
    [0.5, 2],
    [0, Number.NaN],
  ] as const) {
    await expect(stretch(start, end)).rejects.toThrow(RangeError)
  }
  const path = segmentPath(DIRECTORY, 2, 'hashes')
  log.files.writeFile(path, log.files.readFile(path).fill(0, 200, 201))
  await expect(stretch(0, 23)).rejects.toMatchObject({ code: 'ERR_AUDIT_TAMPERED', segment: 2 })
})
