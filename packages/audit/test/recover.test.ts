import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogCursor, openLog, verifyDirectory } from '@secreg/audit'
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import { describe, expect, test } from 'vitest'
import {
  DIRECTORY,
  freshDirectory,
  items,
  leaf,
  linesOf,
  numbers,
  openSmall,
  range,
  SEGMENT_1,
} from './support.ts'

/** Five lines, with the cursor behind each of them; number 0 is before the first. */
async function fiveLines(): Promise<{ bytes: Buffer; cursors: LogCursor[] }> {
  const files = createMemoryFiles()
  const log = await openSmall(files)
  const cursors = [log.tail]
  for (let n = 1; n <= 5; n++) {
    log.append(items(1, n, n < 3 ? undefined : n))
    cursors.push(log.tail)
  }
  await log.close()
  return { bytes: files.readFile(SEGMENT_1), cursors }
}

function logOf(...segments: Uint8Array[]): MemoryFiles {
  const files = createMemoryFiles()
  files.makeDirectory(DIRECTORY)
  segments.forEach((bytes, index) => {
    files.writeFile(`${DIRECTORY}/${String(index + 1).padStart(8, '0')}.jsonl`, bytes)
  })
  return files
}

test('a tail torn at every byte of the last line is cut, reported and written anew', async () => {
  const { bytes, cursors } = await fiveLines()
  const whole = (cursors[4] as LogCursor).offset
  for (let length = whole; length < bytes.length; length++) {
    for (const cursor of [undefined, cursors[0], cursors[2], cursors[4]]) {
      const files = logOf(bytes.subarray(0, length))
      const log = await openSmall(files, cursor === undefined ? {} : { cursor })
      expect(log.recovered.tornBytes).toBe(length - whole)
      expect(log.tail).toEqual(cursors[4])
      log.append(items(1, 5, 5))
      expect(files.readFile(SEGMENT_1).equals(bytes)).toBe(true)
      await log.close()
    }
  }
})

test('blocks of zeros that a loss of power left behind the cursor are cut off', async () => {
  const { bytes, cursors } = await fiveLines()
  const at = (cursors[3] as LogCursor).offset
  for (const from of [at, at + 1, at + 40, bytes.length - 2, bytes.length - 1]) {
    const holed = Buffer.concat([bytes, Buffer.alloc(100)])
    holed.fill(0, from, from + 1)
    const files = logOf(holed)
    const log = await openSmall(files, { cursor: cursors[2] as LogCursor })
    const last = from < (cursors[4] as LogCursor).offset ? 3 : 4
    expect(log.tail).toEqual(cursors[last])
    expect(log.recovered.tornBytes).toBe(holed.length - log.tail.offset)
    await log.close()
    expect(await verifyDirectory(DIRECTORY, { files })).toMatchObject({ ok: true, records: last })
  }
})

test('a cursor of the wrong shape is refused before anything is touched', async () => {
  const { cursors } = await fiveLines()
  const cursor = cursors[3] as LogCursor
  for (const wrong of [
    { ...cursor, segment: 0 },
    { ...cursor, offset: 1.5 },
    { ...cursor, sequence: -1 },
    { ...cursor, revision: Number.NaN },
    { ...cursor, hash: 'x' },
    { ...cursor, hash: cursor.hash.toUpperCase() },
    {} as LogCursor,
  ]) {
    const files = createMemoryFiles()
    await expect(openSmall(files, { cursor: wrong })).rejects.toThrow(TypeError)
    expect(files.facts(DIRECTORY)).toBeUndefined()
  }
})

test('lines behind the cursor are counted by revision', async () => {
  const { bytes, cursors } = await fiveLines()
  const counts = async (cursor?: LogCursor): Promise<number[]> => {
    const log = await openSmall(logOf(bytes), cursor === undefined ? {} : { cursor })
    const { linesAfterCursor, revisionLines } = log.recovered
    expect(log.tail).toEqual(cursors[5])
    return [linesAfterCursor, ...range(6).map((revision) => revisionLines(revision))]
  }
  expect(await counts(cursors[0])).toEqual([5, 0, 0, 1, 1, 1, 0])
  expect(await counts(cursors[3])).toEqual([2, 0, 0, 0, 1, 1, 0])
  expect(await counts(cursors[5])).toEqual([0, 0, 0, 0, 0, 0, 0])
  expect(await counts()).toEqual([5, 0, 0, 1, 1, 1, 0])
})

test('fault: without a cursor, lines of a commit in earlier segments were not counted', async () => {
  const files = createMemoryFiles()
  const log = await openSmall(files, { segmentBytes: 300 })
  for (const revision of [2, 3, 3, 3, 4, 5, 5]) log.append(items(1, 1, revision))
  await log.close()
  expect(files.list(DIRECTORY).length).toBeGreaterThan(2)
  const { countedFrom, revisionLines } = (await openSmall(files, { segmentBytes: 300 })).recovered
  const whole = new Map([
    [2, 1],
    [3, 3],
    [4, 1],
    [5, 2],
  ])
  expect(countedFrom).toBeGreaterThan(2)
  for (const [revision, lines] of whole) {
    if (revision >= countedFrom)
      expect([revision, revisionLines(revision)]).toEqual([revision, lines])
  }
})

describe('a log that contradicts the cursor is tampered with, not torn', () => {
  const tampered = { code: 'ERR_AUDIT_TAMPERED' }

  test('shorter than the cursor, at every length', async () => {
    const { bytes, cursors } = await fiveLines()
    const cursor = cursors[4] as LogCursor
    for (let length = 0; length < cursor.offset; length += 7) {
      const log = openSmall(logOf(bytes.subarray(0, length)), { cursor })
      await expect(log).rejects.toMatchObject({ ...tampered, sequence: 4 })
    }
    await expect(openSmall(logOf(), { cursor })).rejects.toMatchObject(tampered)
    await expect(openSmall(createMemoryFiles(), { cursor })).rejects.toMatchObject(tampered)
    const later = { ...cursor, segment: 2 }
    await expect(openSmall(logOf(bytes), { cursor: later })).rejects.toMatchObject(tampered)
  })

  test('another line at the cursor', async () => {
    const { bytes, cursors } = await fiveLines()
    const cursor = cursors[3] as LogCursor
    const edited = Buffer.from(bytes)
    edited[cursor.offset - 4] = 0x39
    for (const [content, wrong] of [
      [edited, cursor],
      [bytes, { ...cursor, hash: leaf('x') }],
      [bytes, { ...cursor, sequence: 2 }],
      [bytes, { ...cursor, offset: cursor.offset - 1 }],
      [bytes, { ...cursor, offset: 0 }],
    ] as const) {
      const log = openSmall(logOf(content), { cursor: wrong })
      await expect(log).rejects.toMatchObject({ ...tampered, sequence: wrong.sequence })
    }
  })

  test('an edited line behind the cursor, and in the last segment without one', async () => {
    const { bytes, cursors } = await fiveLines()
    const edited = Buffer.from(bytes)
    edited[(cursors[4] as LogCursor).offset - 4] = 0x39
    const found = { ...tampered, sequence: 4, segment: 1 }
    for (const options of [{}, { cursor: cursors[0] as LogCursor }]) {
      await expect(openSmall(logOf(edited), options)).rejects.toMatchObject(found)
    }
    // Lines before the cursor are verified by verifySegments, not at each start.
    await (await openSmall(logOf(edited), { cursor: cursors[5] as LogCursor })).close()
  })

  test('a missing segment, a cut one, and one that does not follow', async () => {
    const { bytes } = await fiveLines()
    const [one, two, three, four, five] = linesOf(bytes) as [Buffer, Buffer, Buffer, Buffer, Buffer]
    const rest = Buffer.concat([four, five])
    await (await openSmall(logOf(one, two, three, rest))).close()
    const missing = logOf(one, two, three, rest)
    missing.removeFile(`${DIRECTORY}/00000002.jsonl`)
    await expect(openSmall(missing)).rejects.toMatchObject({ ...tampered, segment: 2 })
    for (const segments of [
      [one, two, rest],
      [one, two, three.subarray(0, -1), rest],
      [one, two, Buffer.alloc(0), rest],
      [one, two, Buffer.from('\n'), rest],
    ]) {
      await expect(openSmall(logOf(...segments))).rejects.toMatchObject(tampered)
    }
    const cursor = { segment: 1, offset: one.length, sequence: 1, hash: leaf(one.subarray(0, -1)) }
    const cut = logOf(one, two, three.subarray(0, -1), rest)
    const opened = openSmall(cut, { cursor: { ...cursor, revision: 0 } })
    await expect(opened).rejects.toMatchObject({ ...tampered, sequence: 3, segment: 3 })
  })
})

test.each([100_000, 128 * 1024 - 126, 128 * 1024, 1_000_000])(
  'a last line with a body of %i bytes is found at the cursor and before the last segment',
  async (length) => {
    const files = createMemoryFiles()
    const log = await openSmall(files, { segmentBytes: 1 })
    log.append([
      ...items(2),
      { timeMs: 0, body: JSON.stringify({ n: 3, text: 'x'.repeat(length) }) },
    ])
    const { tail } = log
    log.append(items(1, 4))
    expect(log.tail.segment).toBe(2)
    await log.close()
    for (const options of [{ cursor: tail }, {}]) {
      const again = await openSmall(files, options)
      expect(again.tail).toEqual(log.tail)
      expect(await numbers(again)).toEqual(range(4))
      await again.close()
    }
    const result = await verifyDirectory(DIRECTORY, { files, known: [tail, log.tail] })
    expect(result).toMatchObject({ ok: true, records: 4 })
  },
)

test('an empty last segment, and the highest revision in an earlier one', async () => {
  const { bytes, cursors } = await fiveLines()
  const [one, two, three, four, five] = linesOf(bytes) as [Buffer, Buffer, Buffer, Buffer, Buffer]
  const log = await openSmall(logOf(Buffer.concat([one, two, three, four, five]), Buffer.alloc(0)))
  expect(log.tail).toEqual(cursors[5])
  log.append(items(1, 6))
  expect(log.tail).toMatchObject({ segment: 2, sequence: 6, revision: 5 })
  expect(await numbers(log)).toEqual(range(6))
  await log.close()
  const earlier = await openSmall(logOf(Buffer.concat([one, two, three]), Buffer.alloc(0)))
  expect(earlier.tail).toEqual(cursors[3])
})

describe('the directory', () => {
  const refused = { code: 'ERR_AUDIT_DIRECTORY' }

  async function made(): Promise<string> {
    const directory = freshDirectory()
    const log = await openLog({ directory, segmentBytes: 1 })
    log.append(items(1))
    log.append(items(1, 2))
    await log.close()
    return directory
  }

  test('mode, link, file, missing parent', async () => {
    const directory = await made()
    chmodSync(directory, 0o750)
    await expect(openLog({ directory })).rejects.toMatchObject(refused)
    chmodSync(directory, 0o700)
    const link = `${directory}-link`
    symlinkSync(directory, link)
    await expect(openLog({ directory: link })).rejects.toMatchObject(refused)
    const file = `${directory}-file`
    writeFileSync(file, '')
    await expect(openLog({ directory: file })).rejects.toMatchObject(refused)
    const deep = join(directory, 'a', 'b')
    await expect(openLog({ directory: deep })).rejects.toMatchObject(refused)
  })

  test.skipIf(process.geteuid?.() !== 0)('owner', async () => {
    const directory = await made()
    for (const name of ['.', '00000001.jsonl', '00000002.jsonl', 'reserve']) {
      chownSync(join(directory, name), 1, 1)
      await expect(openLog({ directory })).rejects.toMatchObject(refused)
      chownSync(join(directory, name), 0, 0)
    }
    await (await openLog({ directory })).close()
  })

  test.each([
    'notes.txt',
    '00000003.jsonl.bak',
    '1.jsonl',
    '00000000.jsonl',
    '00000003.JSONL',
    'x.jsonl',
  ])('a foreign name is refused: %s', async (name) => {
    const directory = await made()
    writeFileSync(join(directory, name), '', { mode: 0o600 })
    await expect(openLog({ directory })).rejects.toMatchObject(refused)
    rmSync(join(directory, name))
    mkdirSync(join(directory, 'lost+found'))
    await (await openLog({ directory })).close()
  })

  test.each(['00000001.jsonl', '00000002.jsonl', 'reserve'])('%s must be ours', async (name) => {
    const directory = await made()
    const path = join(directory, name)
    const away = join(mkdtempSync(join(tmpdir(), 'audit-')), name)
    try {
      chmodSync(path, 0o640)
      await expect(openLog({ directory })).rejects.toMatchObject(refused)
      chmodSync(path, 0o600)
      linkSync(path, away)
      await expect(openLog({ directory })).rejects.toMatchObject(refused)
      rmSync(path)
      symlinkSync(away, path)
      await expect(openLog({ directory })).rejects.toMatchObject(refused)
      rmSync(path)
      mkdirSync(path)
      await expect(openLog({ directory })).rejects.toMatchObject(refused)
      rmSync(path, { recursive: true })
      renameSync(away, path)
      await (await openLog({ directory })).close()
    } finally {
      rmSync(join(away, '..'), { recursive: true })
    }
  })
})
