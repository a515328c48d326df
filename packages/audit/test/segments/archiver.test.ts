import { gunzipSync } from 'node:zlib'
import { verifyDirectory } from '@secreg/audit'
import { type FaultOperation, withFaults } from '@secreg/audit/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test, vi } from 'vitest'
import { listSegments, segmentPath } from '../../src/directory.ts'
import { Frontier } from '../../src/proof/merkle.ts'
import type { ArchiveEvent } from '../../src/segments/archiver.ts'
import { readHashes, readHashesHeader, readLeaf } from '../../src/segments/hashes-file.ts'
import { readIndex } from '../../src/segments/index-file.ts'
import { DIRECTORY, leaf, manualClock } from '../support.ts'
import { archiverOf, bodies, chunksOf, terms, writeLog } from './support.ts'

const path = (segment: number, kind?: Parameters<typeof segmentPath>[2]): string =>
  segmentPath(DIRECTORY, segment, kind)
const fourSegments = () =>
  writeLog([bodies(150), bodies(10, 151), bodies(200, 161), bodies(5, 361)])
const shapes = (files: Parameters<typeof listSegments>[0]): string[] =>
  listSegments(files, DIRECTORY).map(({ plain, compressed, hashes, index }) =>
    [plain && 'lines', compressed && 'gz', hashes && 'hashes', index && 'index']
      .filter(Boolean)
      .join(' '),
  )
const CLOSED = 'gz hashes index'
/** Between two looks at the clock: too short for others to have been at work. */
const LOOK_MS = 0.03

test('all but the last become compressed lines, hashes and index, and verify as before', async () => {
  const log = fourSegments()
  const plain = [1, 2, 3].map((segment) => log.files.readFile(path(segment)))
  const events: ArchiveEvent[] = []
  await archiverOf(log, { observer: (event) => events.push(event) }).run()
  expect(shapes(log.files)).toEqual([CLOSED, CLOSED, CLOSED, 'lines'])
  expect(events).toMatchObject([1, 2, 3].map((segment) => ({ type: 'archived', segment })))
  expect(events[0]).toMatchObject({ lines: 150, plainBytes: plain[0]?.length })
  const frontier = new Frontier()
  for (const segment of [1, 2, 3]) {
    expect(gunzipSync(log.files.readFile(path(segment, 'jsonl.gz')))).toEqual(plain[segment - 1])
    const own = log.lines.filter((line) => line.segment === segment)
    const header = await readHashesHeader(log.files, DIRECTORY, segment)
    expect(header).toMatchObject({ segment, lines: own.length, firstSequence: own[0]?.sequence })
    expect(Buffer.from(header?.previous ?? []).toString('hex')).toBe(own[0]?.previous)
    expect(header?.frontier.encode()).toEqual(frontier.encode())
    const leaves = own.map(({ hash }) => hash)
    const read = await chunksOf(readHashes(log.files, DIRECTORY, segment))
    expect(read.toString('hex')).toBe(leaves.join(''))
    expect((await readLeaf(log.files, DIRECTORY, segment, 3)).toString('hex')).toBe(leaves[3])
    for (const hash of leaves) frontier.appendHex(hash)
  }
  const { files, tail } = log
  const result = await verifyDirectory(DIRECTORY, { files, known: [tail] })
  expect(result).toMatchObject({ ok: true, records: 365 })
})

test('nothing that is not synced, nor the segment of the last synced line, is touched', async () => {
  const log = fourSegments()
  const last = log.lines.findLast(({ segment }) => segment === 2)
  const synced = { ...log.tail, ...last }
  await archiverOf(log, { synced: () => synced }).run()
  expect(shapes(log.files)).toEqual([CLOSED, 'lines', 'lines', 'lines'])
})

test('one that starts later goes on from the hashes', async () => {
  const log = fourSegments()
  await archiverOf(log, { synced: () => ({ ...log.tail, segment: 2 }) }).run()
  await archiverOf(log).run()
  const whole = fourSegments()
  await archiverOf(whole).run()
  for (const kind of ['jsonl.gz', 'hashes', 'index'] as const) {
    expect(log.files.readFile(path(3, kind))).toEqual(whole.files.readFile(path(3, kind)))
  }
})

test('a line of 1 MiB, and blocks of many lines', async () => {
  const long = { timeMs: 0, body: JSON.stringify({ user: 'a', path: 'x'.repeat(1 << 20) }) }
  const log = writeLog([[...bodies(4000), long, ...bodies(4000)], bodies(1)])
  const plain = log.files.readFile(path(1))
  await archiverOf(log).run()
  expect(gunzipSync(log.files.readFile(path(1, 'jsonl.gz'))).equals(plain)).toBe(true)
  const index = await readIndex(log.files, DIRECTORY, 1)
  expect(index).toMatchObject({ blocks: expect.any(Array) })
  if (typeof index === 'string') throw new Error(index)
  expect(index.blocks.length).toBeGreaterThan(5)
  expect(index.blocks.reduce((sum, { lines }) => sum + lines, 0)).toBe(8001)
})

describe('what is missing or damaged', () => {
  test.each(['hashes', 'index'] as const)(
    '%s are made again from the compressed lines',
    async (kind) => {
      const log = fourSegments()
      await archiverOf(log).run()
      const before = log.files.readFile(path(2, kind))
      log.files.removeFile(path(2, kind))
      await archiverOf(log).run()
      expect(log.files.readFile(path(2, kind))).toEqual(before)
    },
  )

  test.each(['hashes', 'index'] as const)('damaged %s are, once that is told', async (kind) => {
    const log = fourSegments()
    const archiver = archiverOf(log)
    await archiver.run()
    const before = log.files.readFile(path(2, kind))
    const changed = Buffer.from(before)
    changed[100] = (changed[100] as number) ^ 1
    log.files.writeFile(path(2, kind), changed)
    await archiver.run()
    expect(log.files.readFile(path(2, kind))).toEqual(changed)
    archiver.repair(2)
    await archiver.run()
    expect(log.files.readFile(path(2, kind))).toEqual(before)
  })

  test('damaged hashes are also made again when the next segment is closed', async () => {
    const log = fourSegments()
    await archiverOf(log, { synced: () => ({ ...log.tail, segment: 3 }) }).run()
    const before = log.files.readFile(path(2, 'hashes'))
    log.files.writeFile(path(2, 'hashes'), before.subarray(0, -1))
    await archiverOf(log).run()
    expect(log.files.readFile(path(2, 'hashes'))).toEqual(before)
    expect(shapes(log.files)).toEqual([CLOSED, CLOSED, CLOSED, 'lines'])
  })

  test('every flipped byte of the hashes is noticed', async () => {
    const log = writeLog([bodies(6), bodies(1)])
    await archiverOf(log).run()
    const bytes = log.files.readFile(path(1, 'hashes'))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ (1 << (at % 8))
      log.files.writeFile(path(1, 'hashes'), changed)
      await expect(chunksOf(readHashes(log.files, DIRECTORY, 1, 2, 3))).rejects.toMatchObject({
        code: 'ERR_AUDIT_TAMPERED',
        segment: 1,
      })
    }
  })
})

describe('lines that were changed are not closed', () => {
  const change = (log: ReturnType<typeof fourSegments>, from: string, to: string): void => {
    const text = log.files.readFile(path(2)).toString().replace(from, to)
    log.files.writeFile(path(2), Buffer.from(text))
  }

  test.each([
    ['edited', '"n":155', '"n":154', 155],
    ['malformed', '{"seq":155', '{"sek":155', 155],
    ['without an end', '"n":160,"user":"user6","path":"/p/4"}}\n', '"n":160', undefined],
  ])('%s', async (_, from, to, sequence) => {
    const log = fourSegments()
    change(log, from, to)
    const bytes = log.files.readFile(path(2))
    const events: ArchiveEvent[] = []
    await archiverOf(log, { observer: (event) => events.push(event) }).run()
    expect(shapes(log.files)).toEqual([CLOSED, 'lines', 'lines', 'lines'])
    expect(log.files.readFile(path(2))).toEqual(bytes)
    expect(events.at(-1)).toMatchObject({
      type: 'archive-failed',
      segment: 2,
      error: { code: 'ERR_AUDIT_TAMPERED', segment: 2, ...(sequence && { sequence }) },
    })
  })

  test('the last line of a segment shows with the next one', async () => {
    const log = fourSegments()
    change(log, '"n":160', '"n":999')
    const events: ArchiveEvent[] = []
    await archiverOf(log, { observer: (event) => events.push(event) }).run()
    expect(events.at(-1)).toMatchObject({ type: 'archive-failed', segment: 3 })
    expect(shapes(log.files)[2]).toBe('lines')
  })

  test('other lines do not take the place of those whose hashes were kept', async () => {
    const log = fourSegments()
    await archiverOf(log, { synced: () => ({ ...log.tail, segment: 3 }) }).run()
    const hashes = log.files.readFile(path(2, 'hashes'))
    const other = writeLog([bodies(150), bodies(9, 152), bodies(1)])
    log.files.writeFile(path(2), other.files.readFile(path(2)))
    log.files.removeFile(path(2, 'jsonl.gz'))
    const events: ArchiveEvent[] = []
    await archiverOf(log, { observer: (event) => events.push(event) }).run()
    expect(events).toMatchObject([{ type: 'archive-failed', segment: 2 }])
    expect(log.files.readFile(path(2, 'hashes'))).toEqual(hashes)
  })
})

describe('failures', () => {
  const operations: FaultOperation[] = [
    'create',
    'write',
    'sync',
    'rename',
    'sync-directory',
    'read',
    'open',
  ]
  test.each(operations)(
    'of %s leave the lines as they were, and are tried again',
    async (operation) => {
      const log = fourSegments()
      const plain = log.files.readFile(path(1))
      const files = withFaults(log.files)
      const clock = manualClock()
      const events: ArchiveEvent[] = []
      const observer = (event: ArchiveEvent): void => void events.push(event)
      const archiver = archiverOf(log, { files, clock, retryMs: 1000, observer })
      files.fail({ operation, code: 'ENOSPC', times: Number.POSITIVE_INFINITY })
      await archiver.run()
      const failed = {
        type: 'archive-failed',
        segment: 1,
        error: { code: expect.any(String) },
      }
      expect(events).toMatchObject([failed])
      clock.advance(1000)
      await waitFor(() => events.length === 2)
      expect(events).toMatchObject([failed, failed])
      expect(log.files.readFile(path(1))).toEqual(plain)
      files.clear()
      await waitFor(() => clock.waiting === 1)
      clock.advance(1999)
      archiver.wake()
      expect(clock.waiting).toBe(1)
      clock.advance(1)
      expect(clock.waiting).toBe(0)
      await waitFor(() => events.length === 5)
      expect(shapes(log.files)).toEqual([CLOSED, CLOSED, CLOSED, 'lines'])
      expect(log.files.list(DIRECTORY)).toHaveLength(10)
    },
  )

  test('a full disk', async () => {
    const log = fourSegments()
    const used = listBytes(log.files)
    log.files.capacityBytes = used + 500
    await archiverOf(log).run()
    expect(shapes(log.files)[0]).toBe('lines')
    expect(listBytes(log.files)).toBe(used)
    log.files.capacityBytes = Number.POSITIVE_INFINITY
    await archiverOf(log).run()
    expect(shapes(log.files)[0]).toBe(CLOSED)
  })

  test('the log needs the disk: what was written is given back', async () => {
    const log = fourSegments()
    const used = listBytes(log.files)
    let writes = 0
    const clock = manualClock()
    const mayWrite = (): boolean => ++writes !== 4
    const archiver = archiverOf(log, { clock, mayWrite, retryMs: 1000 })
    await archiver.run()
    expect(writes).toBe(4)
    expect(listBytes(log.files)).toBe(used)
    expect(log.files.list(DIRECTORY)).toHaveLength(4)
    clock.advance(1000)
    await archiver.run()
    expect(shapes(log.files)).toEqual([CLOSED, CLOSED, CLOSED, 'lines'])
  })

  test('short writes are gone on with', async () => {
    const log = fourSegments()
    const files = withFaults(log.files)
    files.fail({ operation: 'write', bytes: 10, times: 50 })
    await archiverOf(log, { files }).run()
    expect(shapes(log.files)[0]).toBe(CLOSED)
    expect(await chunksOf(readHashes(log.files, DIRECTORY, 1))).toHaveLength(150 * 32)
  })

  test('an observer that throws and terms that throw change nothing', async () => {
    const log = fourSegments()
    const throws = (): never => {
      throw new Error('no')
    }
    await archiverOf(log, { observer: throws, terms: { version: 1, of: throws } }).run()
    expect(shapes(log.files)).toEqual([CLOSED, CLOSED, CLOSED, 'lines'])
    expect(await readIndex(log.files, DIRECTORY, 1)).toMatchObject({
      blocks: [{ terms: undefined }],
    })
  })
})

test('closing stops it at once, and leaves nothing half done', async () => {
  const log = writeLog([bodies(20_000), bodies(20_000, 20_001), bodies(1, 40_001)])
  const archiver = archiverOf(log)
  archiver.wake()
  await waitFor(() => log.files.list(DIRECTORY).some((name) => name.endsWith('.part')))
  await archiver.close()
  expect(shapes(log.files)).toEqual(['lines', 'lines', 'lines'])
  expect(log.files.list(DIRECTORY)).toHaveLength(3)
  await archiver.run()
  expect(shapes(log.files)).toEqual(['lines', 'lines', 'lines'])
})

test('it leaves the main thread again and again', async () => {
  const log = writeLog([bodies(40_000), bodies(1, 40_001)])
  // Time passes only with each look at the clock, so that a stretch is as long as it has looks.
  let looks = 0
  const now = vi.spyOn(performance, 'now').mockImplementation(() => ++looks * LOOK_MS)
  let longest = 0
  let last = 0
  const turn = (): void => {
    longest = Math.max(longest, looks - last)
    last = looks
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  try {
    await archiverOf(log).run()
  } finally {
    clearImmediate(next)
    now.mockRestore()
  }
  expect(shapes(log.files)).toEqual([CLOSED, 'lines'])
  // It looks after every line, and a slice takes four milliseconds.
  expect(looks).toBeGreaterThan(40_000)
  expect(longest * LOOK_MS).toBeLessThan(5)
})

test('calls while it runs share the work, and see what came meanwhile', async () => {
  const log = fourSegments()
  let segment = 2
  const events: number[] = []
  const archiver = archiverOf(log, {
    synced: () => ({ ...log.tail, segment }),
    observer: (event) => {
      events.push(event.segment)
      segment = 4
      archiver.wake()
    },
  })
  await Promise.all([archiver.run(), archiver.run()])
  expect(events).toEqual([1, 2, 3])
})

test('waking it costs nothing until another segment is synced', async () => {
  const log = fourSegments()
  let segment = 2
  const archiver = archiverOf(log, { synced: () => ({ ...log.tail, segment }) })
  await archiver.run()
  const list = log.files.list.bind(log.files)
  let listed = 0
  log.files.list = (directory) => {
    listed++
    return list(directory)
  }
  archiver.wake()
  await archiver.close()
  expect(listed).toBe(0)
  segment = 4
  const next = archiverOf(log, { synced: () => ({ ...log.tail, segment }) })
  next.wake()
  await waitFor(() => shapes(log.files)[2] === CLOSED)
  await next.run()
})

test('the hash of a line is that of its bytes', async () => {
  const log = writeLog([bodies(3), bodies(1, 4)])
  await archiverOf(log, { terms }).run()
  const [first] = gunzipSync(log.files.readFile(path(1, 'jsonl.gz')))
    .toString()
    .split('\n')
  expect((await readLeaf(log.files, DIRECTORY, 1, 0)).toString('hex')).toBe(leaf(first ?? ''))
})

function listBytes(files: ReturnType<typeof fourSegments>['files']): number {
  const sizes = files.list(DIRECTORY).map((name) => files.readFile(`${DIRECTORY}/${name}`).length)
  return sizes.reduce((sum, size) => sum + size, 0)
}
