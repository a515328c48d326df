import type { LogRecord, QueryFilter } from '@secreg/audit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { segmentPath } from '../../src/directory.ts'
import { queryLog } from '../../src/query.ts'
import { Indexes } from '../../src/segments/indexes.ts'
import { removeSegments } from '../../src/segments/retention.ts'
import { DIRECTORY, T0 } from '../support.ts'
import { anySegments, archiverOf, bodies, terms, type WrittenLog, writeLog } from './support.ts'

const all = Number.POSITIVE_INFINITY

async function ask(log: WrittenLog, filter: QueryFilter, indexes?: Indexes): Promise<number[]> {
  const found: number[] = []
  for await (const record of queryLog(log.files, DIRECTORY, log.tail, filter, indexes)) {
    found.push(record.sequence)
  }
  return found
}

const indexesOf = (log: WrittenLog, onDamage?: (segment: number) => void): Indexes =>
  new Indexes(log.files, DIRECTORY, { terms, ...(onDamage && { onDamage }) })

/** Count what is read of lines from here on. */
function countReads(log: WrittenLog): { bytes: number; opened: string[] } {
  const counted = { bytes: 0, opened: [] as string[] }
  const open = log.files.open.bind(log.files)
  log.files.open = (path, access) => {
    const file = open(path, access)
    counted.opened.push(path)
    if (!path.includes('.jsonl')) return file
    const read = file.read.bind(file)
    return Object.assign(file, {
      read: async (into: Uint8Array, position: number) => {
        counted.bytes += into.length
        return read(into, position)
      },
    })
  }
  return counted
}

test('any log, any question: with indexes, without, and as a plain filter would', async () => {
  const question = fc.record({
    sinceMs: fc.option(fc.integer({ min: -60, max: 260 })),
    untilMs: fc.option(fc.integer({ min: -60, max: 260 })),
    beforeSequence: fc.option(fc.integer({ min: -1, max: 250 })),
    limit: fc.constantFrom(0, 1, 2, 10, all),
    user: fc.option(fc.integer({ min: 0, max: 4 })),
    path: fc.option(fc.integer({ min: 0, max: 21 })),
  })
  await fc.assert(
    fc.asyncProperty(
      anySegments,
      fc.array(question, { maxLength: 8 }),
      async (segments, questions) => {
        const log = writeLog(segments)
        await archiverOf(log).run()
        const indexes = indexesOf(log)
        for (const { sinceMs, untilMs, beforeSequence, limit, user, path } of questions) {
          const words = [
            ...(user === null ? [] : [`user:u${user}`]),
            ...(path === null ? [] : [`path:/${path}`]),
          ]
          const match = ({ body }: LogRecord): boolean => {
            const known = [...terms.of(body)]
            return words.every((word) => known.includes(word))
          }
          const since = sinceMs === null ? Number.NEGATIVE_INFINITY : T0 + sinceMs * 1000
          const until = untilMs === null ? all : T0 + untilMs * 1000
          const before = beforeSequence ?? all
          const expected = log.lines
            .filter((line) => line.timeMs >= since && line.timeMs < until && line.sequence < before)
            .filter(match)
            .map(({ sequence }) => sequence)
            .reverse()
            .slice(0, limit)
          const filter = {
            match,
            limit,
            ...(sinceMs === null ? {} : { sinceMs: since }),
            ...(untilMs === null ? {} : { untilMs: until }),
            ...(beforeSequence === null ? {} : { beforeSequence }),
          }
          expect(await ask(log, { ...filter, terms: words }, indexes)).toEqual(expected)
          expect(await ask(log, { ...filter, terms: words })).toEqual(expected)
          expect(await ask(log, { ...filter, scan: true }, indexes)).toEqual(expected)
        }
      },
    ),
    { numRuns: 60 },
  )
})

describe('what is not read', () => {
  /** Three closed segments of 20,000 lines, then some. */
  const large = (): WrittenLog =>
    writeLog([0, 1, 2].map((n) => bodies(20_000, 1 + n * 20_000)).concat([bodies(100, 60_001)]))
  const logs = large()

  test('blocks without the terms, or outside the times', async () => {
    await archiverOf(logs).run()
    const indexes = indexesOf(logs)
    const rare = { terms: ['path:/p/none'], match: () => false }
    const counted = countReads(logs)
    expect(await ask(logs, rare, indexes)).toEqual([])
    // The segment that is being written has no index yet.
    expect(counted.bytes).toBeLessThan(100_000)
    counted.bytes = 0
    const times = { sinceMs: T0 + 100_000, untilMs: T0 + 110_000 }
    expect(await ask(logs, times, indexes)).toEqual([
      109, 108, 107, 106, 105, 104, 103, 102, 101, 100,
    ])
    expect(counted.bytes).toBeLessThan(400_000)
  })

  test('newer segments, for a page deep in the log', async () => {
    const counted = countReads(logs)
    const page = await ask(logs, { beforeSequence: 5001, limit: 3 }, indexesOf(logs))
    expect(page).toEqual([5000, 4999, 4998])
    expect(counted.opened.filter((path) => path.endsWith('.index'))).toHaveLength(1)
    expect(counted.bytes).toBeLessThan(400_000)
  })
})

test('the segment that is being written is read once: later only what came since', async () => {
  const log = writeLog([bodies(10_000)])
  const indexes = indexesOf(log)
  const rare = {
    terms: ['user:rare'],
    match: ({ body }: LogRecord) => (body as { user: string }).user === 'rare',
    limit: all,
  }
  const counted = countReads(log)
  const first = await ask(log, rare, indexes)
  expect(first).toHaveLength(100)
  expect(counted.bytes).toBeGreaterThan(1_000_000)
  counted.bytes = 0
  expect(await ask(log, { ...rare, terms: ['user:none'], match: () => false }, indexes)).toEqual([])
  expect(counted.bytes).toBeLessThan(200_000)
  expect(await ask(log, rare, indexes)).toEqual(first)
})

test('questions at the same time learn without contradiction', async () => {
  const log = writeLog([bodies(8000)])
  const indexes = indexesOf(log)
  const questions = Array.from({ length: 5 }, (_, n) =>
    ask(
      log,
      { limit: all, beforeSequence: 8001 - n, match: ({ sequence }) => sequence % 9 === n },
      indexes,
    ),
  )
  await Promise.all(questions)
  const known = indexes.learned(1)
  expect(known.length).toBeGreaterThan(5)
  let at = 0
  for (const { offset, length } of known) {
    expect(offset).toBeGreaterThanOrEqual(at)
    at = offset + length
  }
  const expected = log.lines.map(({ sequence }) => sequence).reverse()
  expect(await ask(log, { limit: all }, indexes)).toEqual(expected)
})

describe('a damaged index hides nothing', () => {
  const log = writeLog([bodies(40), bodies(40, 41), bodies(1, 81)])
  const path = segmentPath(DIRECTORY, 1, 'index')
  const question: QueryFilter = {
    terms: ['user:user3'],
    match: ({ body }) => (body as { user: string }).user === 'user3',
    sinceMs: T0 + 5000,
    limit: all,
  }

  test('whatever bit is flipped; it is told once', async () => {
    const expected = await ask(log, { ...question, scan: true })
    await archiverOf(log).run()
    const bytes = log.files.readFile(path)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ (1 << (at % 8))
      log.files.writeFile(path, changed)
      const told: number[] = []
      const indexes = indexesOf(log, (segment) => told.push(segment))
      expect(await ask(log, question, indexes)).toEqual(expected)
      expect(await ask(log, question, indexes)).toEqual(expected)
      expect(told).toEqual([1])
    }
    log.files.writeFile(path, bytes)
  })

  test('nor one that was made with other terms', async () => {
    const expected = await ask(log, { ...question, scan: true })
    log.files.removeFile(path)
    await archiverOf(log, { terms: { version: 2, of: () => ['other'] } }).run()
    const told: number[] = []
    expect(
      await ask(
        log,
        question,
        indexesOf(log, (segment) => told.push(segment)),
      ),
    ).toEqual(expected)
    expect(told).toEqual([1])
    expect(await ask(log, question)).toEqual(expected)
  })
})

describe('missing lines are an error, not a silent gap', () => {
  const archived = async (): Promise<WrittenLog> => {
    const log = writeLog([bodies(3000), bodies(3000, 3001), bodies(9, 6001)])
    await archiverOf(log).run()
    return log
  }
  const error = { code: 'ERR_AUDIT_TAMPERED' }

  test('blocks cut off the end of a compressed segment', async () => {
    const log = await archived()
    const path = segmentPath(DIRECTORY, 1, 'jsonl.gz')
    const bytes = log.files.readFile(path)
    log.files.writeFile(path, bytes.subarray(0, bytes.readUInt32LE(16)))
    await expect(ask(log, { limit: all }, indexesOf(log))).rejects.toMatchObject(error)
    log.files.writeFile(path, new Uint8Array(0))
    await expect(ask(log, { limit: all }, indexesOf(log))).rejects.toMatchObject(error)
    await expect(ask(log, { limit: all, scan: true })).rejects.toMatchObject(error)
  })

  test('a damaged block, a missing segment', async () => {
    const log = await archived()
    const path = segmentPath(DIRECTORY, 2, 'jsonl.gz')
    const bytes = log.files.readFile(path)
    bytes[200] = (bytes[200] as number) ^ 1
    log.files.writeFile(path, bytes)
    await expect(ask(log, { limit: all })).rejects.toMatchObject({ ...error, segment: 2 })
    log.files.removeFile(path)
    log.files.removeFile(segmentPath(DIRECTORY, 2, 'hashes'))
    await expect(ask(log, { limit: all })).rejects.toMatchObject({ ...error, segment: 2 })
  })

  test('the lines of a segment in the midst, as if retention had removed them', async () => {
    const log = await archived()
    log.files.removeFile(segmentPath(DIRECTORY, 2, 'jsonl.gz'))
    await expect(ask(log, { limit: all })).rejects.toMatchObject({ ...error, segment: 2 })
  })

  test('lines cut out of a plain segment', async () => {
    const log = writeLog([bodies(10), bodies(10, 11)])
    const path = segmentPath(DIRECTORY, 1)
    const lines = log.files.readFile(path).toString().split('\n')
    for (const at of [0, 4, 9]) {
      log.files.writeFile(path, Buffer.from(lines.toSpliced(at, 1).join('\n')))
      await expect(ask(log, { limit: all })).rejects.toMatchObject({ ...error, sequence: at + 1 })
    }
  })
})

test('what retention has removed is not found, and no error', async () => {
  const log = writeLog([bodies(5), bodies(5, 6), bodies(5, 11)])
  await archiverOf(log).run()
  await removeSegments(log.files, DIRECTORY, 1)
  const indexes = indexesOf(log)
  expect(await ask(log, { limit: all }, indexes)).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6])
  expect(await ask(log, { beforeSequence: 7 }, indexes)).toEqual([6])
  for (const beforeSequence of [6, 3, 1, 0, -5]) {
    expect(await ask(log, { beforeSequence }, indexes)).toEqual([])
  }
  await expect(ask(log, { beforeSequence: 1.5 })).rejects.toThrow(RangeError)
})
