import { openLog } from '@secreg/audit'
import { describe, expect, test } from 'vitest'
import { listSegments, segmentPath } from '../../src/directory.ts'
import { oldSegments, removeSegments } from '../../src/segments/retention.ts'
import { collect, DIRECTORY, openSmall, T0 } from '../support.ts'
import { archiverOf, bodies, type WrittenLog, writeLog } from './support.ts'

async function archived(): Promise<WrittenLog> {
  const log = writeLog([bodies(10), bodies(10, 11), bodies(10, 21), bodies(10, 31)])
  await archiverOf(log).run()
  return log
}

const at = (n: number): number => T0 + n * 1000

describe('which segments are old', () => {
  test.each([
    ['all lines are older', at(21), 9, 2],
    ['the last line is not before the time', at(20), 9, 1],
    ['nothing is old', at(10), 9, 0],
    ['the one that is written never is', at(1000), 9, 3],
    ['no further than the last that may go', at(1000), 2, 2],
    ['none may go', at(1000), 0, 0],
  ])('%s', async (_, beforeMs, last, expected) => {
    const { files } = await archived()
    expect(await oldSegments(files, DIRECTORY, { beforeMs, last })).toBe(expected)
  })

  test('a clock that was set back keeps a segment, and all behind it', async () => {
    const young = { ...bodies(1)[0], timeMs: at(500), body: '{"user":"a","path":"/"}' }
    const log = writeLog([bodies(10), [young, ...bodies(9, 12)], bodies(10, 21), bodies(1, 31)])
    await archiverOf(log).run()
    const options = { beforeMs: at(400), last: 9 }
    expect(await oldSegments(log.files, DIRECTORY, options)).toBe(1)
  })

  test('none that is not archived, or whose index cannot say', async () => {
    const log = await archived()
    const options = { beforeMs: at(1000), last: 9 }
    log.files.writeFile(segmentPath(DIRECTORY, 2, 'index'), Buffer.from('no index'))
    expect(await oldSegments(log.files, DIRECTORY, options)).toBe(1)
    const plain = writeLog([bodies(1), bodies(1, 2)])
    expect(await oldSegments(plain.files, DIRECTORY, options)).toBe(0)
    await expect(
      oldSegments(log.files, DIRECTORY, { beforeMs: Number.NaN, last: 9 }),
    ).rejects.toThrow(RangeError)
  })
})

describe('removing', () => {
  test('leaves the hashes, and may be done again', async () => {
    const { files } = await archived()
    for (let again = 0; again < 2; again++) {
      await removeSegments(files, DIRECTORY, 2)
      const left = listSegments(files, DIRECTORY)
      const gone = { plain: false, compressed: false, hashes: true, index: false }
      expect(left.slice(0, 2)).toEqual([1, 2].map((segment) => ({ segment, ...gone })))
      expect(left[2]).toMatchObject({ compressed: true, index: true })
    }
    const options = { beforeMs: at(31), last: 9 }
    expect(await oldSegments(files, DIRECTORY, options)).toBe(3)
  })

  test.each([4, 5, -1, 1.5, Number.NaN])('of segments up to %d is refused', async (upTo) => {
    const { files } = await archived()
    const before = files.list(DIRECTORY)
    await expect(removeSegments(files, DIRECTORY, upTo)).rejects.toThrow(RangeError)
    expect(files.list(DIRECTORY)).toEqual(before)
  })

  test('keeps lines whose hashes are damaged', async () => {
    const { files } = await archived()
    const path = segmentPath(DIRECTORY, 2, 'hashes')
    files.writeFile(path, files.readFile(path).fill(0, 150, 160))
    await expect(removeSegments(files, DIRECTORY, 3)).rejects.toMatchObject({
      code: 'ERR_AUDIT_TAMPERED',
      segment: 2,
    })
    expect(listSegments(files, DIRECTORY).map(({ compressed }) => compressed)).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

describe('a log opens again', () => {
  test.each([0, 1, 2, 3])('with %i segments removed, with any cursor or none', async (removed) => {
    const log = await archived()
    await removeSegments(log.files, DIRECTORY, removed)
    for (const cursor of [undefined, ...log.lines]) {
      const known = cursor && { cursor: { ...log.tail, ...cursor, revision: 0 } }
      const opened = await openSmall(log.files, known)
      expect(opened.tail).toEqual(log.tail)
      const found = await collect(opened, { limit: 100 })
      expect(found).toHaveLength(40 - removed * 10)
      await opened.close()
    }
    const start = { segment: 1, offset: 0, sequence: 0, hash: '0'.repeat(64), revision: 0 }
    expect((await openSmall(log.files, { cursor: start })).tail).toEqual(log.tail)
  })

  test.each([5, 10, 15, 25, 35])(
    'not with a cursor that names another line %i',
    async (sequence) => {
      const log = await archived()
      await removeSegments(log.files, DIRECTORY, 1)
      const line = log.lines[sequence - 1]
      const cursor = { ...log.tail, ...line, hash: 'f'.repeat(64), revision: 0 }
      await expect(openSmall(log.files, { cursor })).rejects.toMatchObject({
        code: 'ERR_AUDIT_TAMPERED',
        sequence,
      })
    },
  )

  test('not when the lines behind the removed ones do not follow on them', async () => {
    const log = await archived()
    await removeSegments(log.files, DIRECTORY, 3)
    const other = writeLog([bodies(30, 2), bodies(10, 31)])
    log.files.writeFile(segmentPath(DIRECTORY, 4), other.files.readFile(segmentPath(DIRECTORY, 2)))
    await expect(openLog({ directory: DIRECTORY, files: log.files })).rejects.toMatchObject({
      code: 'ERR_AUDIT_TAMPERED',
    })
  })

  test.each(['jsonl.gz', 'hashes'] as const)(
    'not with a segment without its %s and lines',
    async (kind) => {
      const log = await archived()
      log.files.removeFile(segmentPath(DIRECTORY, 2, kind))
      if (kind === 'hashes') log.files.removeFile(segmentPath(DIRECTORY, 2, 'jsonl.gz'))
      await expect(openLog({ directory: DIRECTORY, files: log.files })).rejects.toMatchObject({
        code: 'ERR_AUDIT_TAMPERED',
        segment: 2,
      })
    },
  )

  test('not when the last segment is gone', async () => {
    const log = await archived()
    log.files.removeFile(segmentPath(DIRECTORY, 4))
    await expect(openLog({ directory: DIRECTORY, files: log.files })).rejects.toMatchObject({
      code: 'ERR_AUDIT_TAMPERED',
      segment: 4,
    })
  })
})
