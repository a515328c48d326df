import { type LogCursor, type LogRecord, verifyDirectory } from '@secreg/audit'
import { type MemoryFiles, type PowerLoss, withFaults } from '@secreg/audit/testing'
import { expect, test } from 'vitest'
import { listSegments, tidyDirectory } from '../../src/directory.ts'
import { queryLog } from '../../src/query.ts'
import { leafHashes } from '../../src/segments/leaf-hashes.ts'
import { readAfter } from '../../src/segments/read-after.ts'
import { removeSegments } from '../../src/segments/retention.ts'
import { DIRECTORY, openSmall, range, seeded } from '../support.ts'
import { archiverOf, bodies, chunksOf, START, terms, type WrittenLog, writeLog } from './support.ts'

/** Ways in which what was not synced goes, at each place. */
const SEEDS = process.env['SECREG_SOAK'] === '1' ? 20 : 2

const OUTCOMES: readonly PowerLoss[] = ['lost', 'torn', 'holes']
type Faulty = ReturnType<typeof withFaults>

const small = (): WrittenLog => writeLog([bodies(4), bodies(3, 5), bodies(5, 8), bodies(2, 13)])

async function archived(): Promise<WrittenLog> {
  const log = small()
  await archiverOf(log).run()
  return log
}

async function all(log: WrittenLog, files: MemoryFiles): Promise<string[]> {
  const limits = { maxRecords: 1000, maxBytes: 1e9 }
  const { records } = await readAfter(files, DIRECTORY, log.tail, START, limits)
  return records.map(({ line }) => line)
}

/** What must hold after any crash: the log opens, and holds every line and every hash. */
async function expectWhole(log: WrittenLog, removed = 0): Promise<void> {
  const { files, tail } = log
  const opened = await openSmall(files, { cursor: tail })
  expect(opened.tail).toEqual(tail)
  const found: LogRecord[] = []
  for await (const record of opened.query({ limit: 1000 })) found.push(record)
  await opened.close()
  const left = log.lines.slice(removed)
  expect(found.map(({ sequence }) => sequence)).toEqual(
    left.map(({ sequence }) => sequence).reverse(),
  )
  expect(await all(log, files)).toEqual(left.map(({ line }) => line))
  const hashes = await chunksOf(leafHashes(files, DIRECTORY, tail, 0, tail.sequence))
  expect(hashes.toString('hex')).toBe(log.lines.map(({ hash }) => hash).join(''))
}

async function die(files: Faulty, work: (files: Faulty) => Promise<void>, at: number, bytes = 0) {
  files.dieAt(at, bytes)
  await work(files).catch(() => {})
}

const archive =
  (log: WrittenLog) =>
  (files: Faulty): Promise<void> =>
    archiverOf(log, { files }).run()

async function changesOf(
  make: () => WrittenLog | Promise<WrittenLog>,
  work: (log: WrittenLog) => (files: Faulty) => Promise<void>,
): Promise<number> {
  const log = await make()
  const files = withFaults(log.files)
  await work(log)(files)
  return files.changes
}

const closed = { plain: false, compressed: true, hashes: true, index: true }

test('the process dies at every operation of closing segments: no line is lost, a rerun finishes', async () => {
  const changes = await changesOf(small, archive)
  expect(changes).toBeGreaterThan(30)
  for (let at = 1; at <= changes; at++) {
    for (const bytes of [0, 50]) {
      const log = small()
      await die(withFaults(log.files), archive(log), at, bytes)
      log.files.kill()
      await expectWhole(log)
      tidyDirectory(log.files, DIRECTORY)
      await archiverOf(log).run()
      await expectWhole(log)
      expect(listSegments(log.files, DIRECTORY).slice(0, 3)).toEqual(
        [1, 2, 3].map((segment) => ({ segment, ...closed })),
      )
    }
  }
})

test.each(OUTCOMES)('power fails at every operation of closing segments: %s', async (outcome) => {
  const changes = await changesOf(small, archive)
  for (let at = 1; at <= changes; at++) {
    for (let seed = 0; seed < SEEDS; seed++) {
      const log = small()
      await die(withFaults(log.files), archive(log), at, seed * 20)
      log.files.crash(outcome, seeded(at * 10 + seed))
      await expectWhole(log)
      tidyDirectory(log.files, DIRECTORY)
      await archiverOf(log).run()
      log.files.crash('lost')
      await expectWhole(log)
      expect(listSegments(log.files, DIRECTORY).slice(0, 3)).toEqual(
        [1, 2, 3].map((segment) => ({ segment, ...closed })),
      )
    }
  }
})

const remove =
  () =>
  (files: Faulty): Promise<void> =>
    removeSegments(files, DIRECTORY, 2)

test.each([...OUTCOMES, 'death'] as const)(
  'retention is interrupted at every operation and goes on: %s',
  async (outcome) => {
    const changes = await changesOf(archived, remove)
    expect(changes).toBe(6)
    for (let at = 1; at <= changes + 1; at++) {
      for (let seed = 0; seed < 2 * SEEDS; seed++) {
        const log = await archived()
        await die(withFaults(log.files), remove(), at)
        if (outcome === 'death') log.files.kill()
        else log.files.crash(outcome, seeded(at * 10 + seed))
        // In the midst, there are the lines of all segments from one on.
        const present = listSegments(log.files, DIRECTORY).findIndex(({ compressed }) => compressed)
        await expectWhole(log, [0, 4, 7][present])
        await removeSegments(log.files, DIRECTORY, 2)
        await removeSegments(log.files, DIRECTORY, 2)
        await archiverOf(log).run()
        log.files.crash('lost')
        await expectWhole(log, 7)
      }
    }
  },
)

test('a log that goes on while its segments are closed, again and again without power', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = seeded(seed)
    const { files } = writeLog([bodies(1)])
    let cursor: LogCursor | undefined
    let reached = 0
    for (let run = 0; run < 4; run++) {
      const process = withFaults(files)
      const known = cursor === undefined ? {} : { cursor }
      const log = await openSmall(process, { segmentBytes: 900, terms, ...known })
      expect(log.tail.sequence).toBeGreaterThanOrEqual(cursor?.sequence ?? 0)
      for (let step = 0; step < 12; step++) {
        log.append(bodies(1 + Math.floor(random() * 4), log.tail.sequence + 1))
        if (random() < 0.5) cursor = await log.sync()
        if (random() < 0.2) await log.settle()
        const found: number[] = []
        for await (const { sequence } of log.query({ limit: 1000 })) found.push(sequence)
        expect(found).toEqual(range(log.tail.sequence).reverse())
      }
      reached += listSegments(files, DIRECTORY).filter(({ compressed }) => compressed).length
      // The process is dead, whatever it was about to do.
      process.dieAt(1)
      files.crash(OUTCOMES[Math.floor(random() * 3)] ?? 'lost', random)
    }
    expect(reached).toBeGreaterThan(0)
    const log = await openSmall(files, cursor && { cursor })
    await log.settle()
    await log.close()
    const result = await verifyDirectory(DIRECTORY, { files, known: [log.tail] })
    expect(result).toMatchObject({ ok: true, records: log.tail.sequence })
  }
})

test('a query that finds its older segments removed ends there', async () => {
  const log = await archived()
  const seen: number[] = []
  for await (const { sequence } of queryLog(log.files, DIRECTORY, log.tail, { limit: 1000 })) {
    if (sequence === 10) await removeSegments(log.files, DIRECTORY, 2)
    seen.push(sequence)
  }
  expect(seen).toEqual([14, 13, 12, 11, 10, 9, 8])
})
