import { describe, expect, test } from 'vitest'
import { AuditError } from '../../src/errors.ts'
import { formatRetention, signNote, verifyLog } from '../../src/proof/index.ts'
import { chain, chunks, type MadeLog, ORIGIN, signer, stranger } from './made-log.ts'
import { KEYS, made, run } from './ten-lines.ts'

describe('retention', () => {
  const removed = (count: number, named = count): MadeLog => {
    const log = made()
    log.notes.push({ time: 0, note: log.retention(named) })
    log.remove(count)
    return log
  }

  test.each([1, 2])('%i segments removed', async (count) => {
    const log = removed(count)
    const size = log.endOf(count)
    expect(await run(log)).toMatchObject({
      ok: true,
      records: 10 - size,
      removed: count,
      checkpoints: 3,
      root: log.root(10),
    })
  })

  test('signed for two, and only one removed yet', async () => {
    expect(await run(removed(1, 2))).toMatchObject({ ok: true, removed: 1 })
    expect(await run(removed(0, 2))).toMatchObject({ ok: true, removed: 0 })
  })

  test('more removed than is signed, or none', async () => {
    const found = { kind: 'retention', sequence: 1, segment: 1 }
    expect((await run(removed(2, 1))).firstFault).toMatchObject(found)
    const log = made()
    log.remove(1)
    expect((await run(log)).firstFault).toMatchObject(found)
    const unsigned = await verifyLog(log.sources())
    expect(unsigned.firstFault).toMatchObject(found)
  })

  test('signed by somebody else: the note is at fault', async () => {
    const log = made()
    log.notes.push({ time: 0, note: log.retention(1, stranger) })
    log.remove(1)
    expect((await run(log)).firstFault).toMatchObject({ kind: 'retention', segment: 0 })
  })

  test.each([
    ['of other lines', (log: MadeLog) => ({ size: 3, root: log.root(3), hash: log.leaves[2] }), 4],
    ['of more lines', (log: MadeLog) => ({ size: 5, root: log.root(5), hash: log.leaves[4] }), 5],
    [
      'with another root',
      (log: MadeLog) => ({ size: 4, root: log.root(3), hash: log.leaves[3] }),
      4,
    ],
    [
      'with another hash',
      (log: MadeLog) => ({ size: 4, root: log.root(4), hash: log.leaves[2] }),
      4,
    ],
  ])('a signed note %s', async (_, parts, sequence) => {
    const log = made()
    const { size, root, hash } = parts(log)
    const text = formatRetention({
      origin: ORIGIN,
      segment: 1,
      ...{ size, root, hash: Buffer.from(hash as Uint8Array).toString('hex') },
    })
    log.notes.push({ time: 0, note: signNote(text, [signer(0)]) })
    log.remove(1)
    const { firstFault, ok } = await run(log)
    expect(ok).toBe(false)
    expect(['retention', 'checkpoint']).toContain(firstFault?.kind)
    expect(firstFault?.sequence).toBe(sequence)
  })

  test.each([1, 3, 4])('the hash of line %i changed', async (line) => {
    const log = removed(1)
    const hashes = log.leaves.slice(0, 4).with(line - 1, new Uint8Array(32))
    log.segments[0] = { lines: [], hashes, removed: true }
    const found = { kind: 'retention', sequence: 1, until: 4, segment: 1 }
    expect((await run(log)).firstFault).toMatchObject(found)
    const hash = Buffer.from(log.leaves[line - 1] as Uint8Array).toString('hex')
    const known = [{ sequence: line, hash }]
    expect((await run(log, { known })).firstFault).toMatchObject({
      kind: 'retention',
      sequence: line,
    })
  })

  test.each([
    ['a hash too few', 3, 0, 4],
    ['none', 0, 0, 1],
    ['half a hash', 3, 16, 4],
  ])('%s', async (_, count, more, sequence) => {
    const log = removed(1)
    const sources = [...log.sources()]
    const bytes = Buffer.concat([...log.leaves.slice(0, count), Buffer.alloc(more)])
    sources[0] = {
      segment: 1,
      removed: true,
      hashes: (async function* () {
        yield bytes
      })(),
    }
    const { firstFault } = await verifyLog(sources, { notes: log.file(), keys: KEYS })
    expect(firstFault?.sequence).toBe(sequence)
    expect(firstFault?.kind).toBe(more > 0 ? 'retention' : 'gap')
  })

  test('a hash too many', async () => {
    const log = removed(1)
    const hashes = log.leaves.slice(0, 5)
    log.segments[0] = { lines: [], hashes, removed: true }
    expect((await run(log)).firstFault).toMatchObject({ kind: 'inserted', sequence: 5 })
  })

  test('the first line that is left does not follow the removed ones', async () => {
    const log = removed(1)
    const segment = log.segments[1] as { lines: Buffer[] }
    segment.lines = segment.lines.with(0, chain(['other'], 'ab'.repeat(32), 5)[0] as Buffer)
    expect((await run(log)).firstFault).toMatchObject({ kind: 'edited', sequence: 5, segment: 2 })
  })

  test('a segment removed in the midst, and one missing among the removed', async () => {
    const log = removed(1)
    const alone = [...made().sources()]
    const gone = { segment: 2, removed: true, hashes: chunks(log.leaves.slice(4, 7)) } as const
    const check = async (sources: Parameters<typeof verifyLog>[0]): Promise<unknown> =>
      (await verifyLog(sources, { notes: log.file(), keys: KEYS })).firstFault
    expect(await check([alone[0] as never, gone, alone[2] as never])).toMatchObject({
      kind: 'retention',
      ...{ sequence: 5, segment: 2 },
    })
    expect(await check([gone])).toMatchObject({ kind: 'missing-segment', sequence: 1, segment: 1 })
  })

  test('hashes that cannot be read', async () => {
    const log = removed(1)
    async function* broken(error: Error): AsyncGenerator<Uint8Array> {
      yield log.leaves[0] as Uint8Array
      throw error
    }
    const sources = (error: Error): never =>
      [
        { segment: 1, removed: true, hashes: broken(error) },
        ...[...log.sources()].slice(1),
      ] as never
    const options = { notes: log.file(), keys: KEYS }
    const tampered = new AuditError('ERR_AUDIT_TAMPERED', 'damaged')
    const { firstFault } = await verifyLog(sources(tampered), options)
    expect(firstFault).toMatchObject({ kind: 'retention', sequence: 2, segment: 1 })
    await expect(verifyLog(sources(new Error('EIO')), options)).rejects.toThrow('EIO')
  })

  test('the note signed by a key that came later', async () => {
    const log = made()
    const later = [log.key(1, 10), log.retention(1, signer(1))]
    for (const note of later) log.notes.push({ time: 0, note })
    log.remove(1)
    expect(await run(log)).toMatchObject({ ok: true, removed: 1 })
  })
})
