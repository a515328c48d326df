import { describe, expect, test } from 'vitest'
import { AuditError } from '../../src/errors.ts'
import { formatCheckpoint, formatKeyStatement, signNote, verifyLog } from '../../src/proof/index.ts'
import { verifySegments } from '../../src/verify.ts'
import { leaf } from '../support.ts'
import {
  chain,
  chunks,
  leafOf,
  MadeLog,
  type MadeSegment,
  ORIGIN,
  signer,
  stranger,
} from './made-log.ts'
import { KEYS, made, run } from './ten-lines.ts'

/** Replace the lines from `line` on, in place. */
function rewriteFrom(log: MadeLog, line: number): void {
  const previous = line === 1 ? undefined : leaf((log.lines[line - 2] as Buffer).subarray(0, -1))
  const bodies = Array.from({ length: log.size - line + 1 }, (_, n) => `other ${n}`)
  const lines = [...log.lines.slice(0, line - 1), ...chain(bodies, previous, line)]
  for (const [index, segment] of log.segments.entries()) {
    segment.lines = lines.slice(log.endOf(index), log.endOf(index + 1))
  }
}

function withoutHashes(log: MadeLog): MadeLog {
  for (const segment of log.segments) segment.hashes = undefined
  return log
}

test('an untouched log', async () => {
  const log = made()
  expect(await run(log)).toEqual({
    ok: true,
    records: 10,
    tail: { sequence: 10, hash: leaf((log.lines[9] as Buffer).subarray(0, -1)) },
    checkpoints: 3,
    proven: 10,
    size: 10,
    root: log.root(10),
    removed: 0,
    trusted: true,
  })
})

test('an unsigned log verifies as by its chain alone', async () => {
  const log = made()
  const plain = await verifySegments([{ segment: 1, bytes: log.lines }])
  const one = new MadeLog([10])
  for (const options of [{}, { notes: '' }]) {
    const result = await verifyLog(one.sources(), options)
    expect(result).toMatchObject({ ...plain, checkpoints: 0, proven: 0, trusted: false })
  }
  const known = [{ sequence: 10, hash: 'ab'.repeat(32) }]
  const [mine, theirs] = await Promise.all([
    verifyLog(one.sources(), { known }),
    verifySegments([{ segment: 1, bytes: one.lines }], { known }),
  ])
  expect(mine.firstFault).toEqual(theirs.firstFault)
})

test('an empty log, signed as such', async () => {
  const log = new MadeLog([])
  const notes = log.file([log.key(0, 0), log.checkpoint(0)])
  expect(await verifyLog([], { notes, keys: KEYS })).toMatchObject({ ok: true, checkpoints: 1 })
  const wrong = formatCheckpoint({ origin: ORIGIN, size: 0, root: new Uint8Array(32) })
  const bad = log.file([log.key(0, 0), signNote(wrong, [signer(0)])])
  const { firstFault } = await verifyLog([], { notes: bad, keys: KEYS })
  expect(firstFault).toMatchObject({ kind: 'checkpoint', sequence: 0, segment: 0 })
})

describe('everything rewritten from a line on, with a new chain', () => {
  test.each([1, 4, 5, 6, 7, 8, 10])('line %i: the side files tell which', async (line) => {
    const log = made()
    rewriteFrom(log, line)
    const { firstFault } = await run(log)
    expect(firstFault).toMatchObject({ kind: 'rewritten', sequence: line, until: line })
    const segment = log.counts.findIndex((_, index) => log.endOf(index + 1) >= line)
    const before = log.lines.slice(log.endOf(segment), line - 1)
    expect(firstFault).toMatchObject({ segment: segment + 1, offset: Buffer.concat(before).length })
  })

  test.each([
    [1, 1, 4],
    [4, 1, 4],
    [5, 5, 7],
    [7, 5, 7],
    [9, 8, 10],
  ])('line %i without side files: lines %i to %i', async (line, sequence, until) => {
    const log = withoutHashes(made())
    rewriteFrom(log, line)
    expect((await run(log)).firstFault).toMatchObject({ kind: 'rewritten', sequence, until })
    expect(await run(log)).toMatchObject({ ok: false, proven: sequence - 1 })
  })

  test('side files that were rewritten as well tell nothing', async () => {
    const log = made()
    rewriteFrom(log, 6)
    for (const segment of log.segments) segment.hashes = segment.lines.map(leafOf)
    const found = { kind: 'rewritten', sequence: 5, until: 7 }
    expect((await run(log)).firstFault).toMatchObject(found)
    // Half of them rewritten: what they tell has not the signed root.
    const second = log.segments[1] as MadeSegment
    second.hashes = log.leaves.slice(4, 7)
    expect((await run(log)).firstFault).toMatchObject({ ...found, sequence: 6, until: 6 })
    second.hashes = log.leaves.slice(4, 7).with(1, leafOf(second.lines[1] as Buffer))
    expect((await run(log)).firstFault).toMatchObject(found)
  })

  test('a side file that is damaged, short or cannot be read is no fault of the log', async () => {
    const log = made()
    const hashes = log.leaves.slice(4, 7)
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield hashes[0] as Uint8Array
      throw new AuditError('ERR_AUDIT_TAMPERED', 'damaged')
    }
    for (const side of [chunks([...hashes].reverse()), chunks(hashes.slice(1)), broken()]) {
      const sources = [...log.sources()]
      sources[1] = { ...sources[1], hashes: side } as never
      const result = await verifyLog(sources, { notes: log.file(), keys: KEYS })
      expect(result).toMatchObject({ ok: true, checkpoints: 3 })
    }
  })

  test('with the notes put back to before: only a checkpoint kept elsewhere shows it', async () => {
    const log = made()
    rewriteFrom(log, 8)
    const notes = log.file(log.notes.slice(0, 3).map(({ note }) => note))
    expect(await run(log, { notes })).toMatchObject({ ok: true, checkpoints: 2, proven: 7 })
    const outside = [log.checkpoint(10)]
    expect((await run(log, { notes, outside })).firstFault).toMatchObject({
      kind: 'rewritten',
      ...{ sequence: 8, until: 8 },
    })
    const bare = withoutHashes(log)
    expect((await run(bare, { notes, outside })).firstFault).toMatchObject({
      kind: 'rewritten',
      ...{ sequence: 8, until: 10 },
    })
  })

  test('cut off with the notes put back, and a key of one’s own', async () => {
    const log = made()
    log.segments.length = 2
    const notes = log.file(log.notes.slice(0, 3).map(({ note }) => note))
    expect((await run(log)).firstFault).toMatchObject({ kind: 'truncated', sequence: 8 })
    expect((await run(log, { notes })).ok).toBe(true)
    const outside = [log.checkpoint(10)]
    const found = { kind: 'truncated', sequence: 8, segment: 2 }
    expect((await run(log, { notes, outside })).firstFault).toMatchObject(found)

    const vkey = stranger.vkey
    const own = log.file([
      signNote(formatKeyStatement({ origin: ORIGIN, size: 0, vkey }), [stranger]),
      log.checkpoint(7, stranger),
    ])
    expect((await run(log, { notes: own })).firstFault).toMatchObject({ kind: 'key', segment: 0 })
    // Without a key, one sees only that the notes agree with the log.
    const blind = await run(log, { notes: own, keys: [] })
    expect(blind).toMatchObject({ ok: true, trusted: false, checkpoints: 1 })
  })
})

describe('signed roots help to judge a broken chain', () => {
  const edit = (log: MadeLog, line: number, from: string | RegExp, to: string): void => {
    for (const segment of log.segments) {
      segment.lines = segment.lines.map((text) =>
        text.equals(log.lines[line - 1] as Buffer)
          ? Buffer.from(text.toString().replace(from, to))
          : text,
      )
    }
  }
  const flipPrevious = (text: string): [RegExp, string] => [/"prev":"../, `"prev":"${text}`]

  test('`prev` of the last line changed: the line before is what was signed', async () => {
    const log = new MadeLog([10])
    const notes = log.file([log.key(0, 0), log.checkpoint(9)])
    edit(log, 10, ...flipPrevious('ff'))
    expect((await run(log, { notes })).firstFault).toMatchObject({ kind: 'edited', sequence: 10 })
    const unsigned = await verifyLog(log.sources())
    expect(unsigned.firstFault).toMatchObject({ kind: 'edited', sequence: 9 })
  })

  test('`prev` of the last line changed, and only all ten are signed', async () => {
    const log = withoutHashes(new MadeLog([10]))
    const notes = log.file([log.key(0, 0), log.checkpoint(6), log.checkpoint(10)])
    edit(log, 10, ...flipPrevious('ff'))
    const found = { kind: 'rewritten', sequence: 7, until: 10 }
    expect((await run(log, { notes })).firstFault).toMatchObject(found)
  })

  test('the line before the last changed, and only all ten are signed', async () => {
    const log = withoutHashes(new MadeLog([10]))
    const notes = log.file([log.key(0, 0), log.checkpoint(6), log.checkpoint(10)])
    edit(log, 9, 'line', 'Line')
    expect((await run(log, { notes })).firstFault).toMatchObject({ kind: 'edited', sequence: 9 })
  })

  test('a chain made anew up to a line that breaks: the root shows lines before it', async () => {
    const log = withoutHashes(made())
    const lines = log.lines as Buffer[]
    const forged = chain(['x', 'y'], leaf((lines[4] as Buffer).subarray(0, -1)), 6)
    ;(log.segments[1] as { lines: Buffer[] }).lines = [lines[4] as Buffer, ...forged]
    const found = { kind: 'rewritten', sequence: 5, until: 7 }
    expect((await run(log)).firstFault).toMatchObject(found)
  })

  test('a line changed at a signed size, and the one behind it gone', async () => {
    const log = withoutHashes(made())
    edit(log, 4, 'line', 'Line')
    const segment = log.segments[1] as { lines: Buffer[] }
    segment.lines = segment.lines.slice(1)
    expect((await run(log)).firstFault).toMatchObject({ kind: 'rewritten', sequence: 1, until: 4 })
  })
})

test('damage that a source of bytes reports is a fault of the next line', async () => {
  const log = made()
  async function* broken(error: Error): AsyncGenerator<Uint8Array> {
    yield log.lines[4] as Buffer
    throw error
  }
  const sources = (error: Error): never => {
    const [one, , three] = [...log.sources()]
    return [one, { segment: 2, bytes: broken(error) }, three] as never
  }
  const options = { notes: log.file(), keys: KEYS }
  const { firstFault } = await verifyLog(
    sources(new AuditError('ERR_AUDIT_TAMPERED', 'damaged')),
    options,
  )
  expect(firstFault).toMatchObject({ kind: 'malformed', sequence: 6, segment: 2 })
  await expect(verifyLog(sources(new Error('EIO')), options)).rejects.toThrow('EIO')
})

test.each([
  ['no vkey', ['key']],
  [
    'keys of two logs',
    [signer(0).vkey, 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
  ],
])('wrong keys: %s', async (_, keys) => {
  await expect(verifyLog([], { keys })).rejects.toThrow(RangeError)
})

test('tells its progress, and stops when it is told to', async () => {
  const log = made()
  const segments: number[] = []
  await run(log, { onProgress: ({ segment }) => segments.push(segment) })
  expect(segments).toEqual([1, 2, 3])
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(run(log, { signal })).rejects.toThrow('enough')
})
