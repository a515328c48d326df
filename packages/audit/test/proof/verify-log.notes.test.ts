import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatCheckpoint,
  signNote,
  type VerifyLogOptions,
  verifyLog,
} from '../../src/proof/index.ts'
import { ORIGIN, signer, stranger } from './made-log.ts'
import { KEYS, made, run } from './ten-lines.ts'

describe('faults of the notes', () => {
  const fault = async (notes: string, options: VerifyLogOptions = {}): Promise<unknown> =>
    (await run(made(), { notes, ...options })).firstFault
  const log = made()
  const file = log.file()
  const texts = log.notes.map(({ note }) => note)
  const offset = Buffer.byteLength(log.file(texts.slice(0, 2)))

  test('a torn tail is none, damage in the midst is one', async () => {
    for (let cut = 0; cut < Buffer.byteLength(texts[3] ?? ''); cut += 7) {
      const torn = Buffer.from(file).subarray(0, offset + cut)
      expect(await fault(torn as never)).toBeUndefined()
    }
    const damaged = file.replace('\n7\n', '\n07\n')
    expect(await fault(damaged)).toMatchObject({ kind: 'checkpoint', segment: 0, offset })
  })

  test('any bit of the notes flipped: found, unless it only tears the tail', async () => {
    const bytes = Buffer.from(file)
    const last = Buffer.byteLength(log.file(texts.slice(0, 3)))
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      const result = await run(log, { notes: flipped })
      if (at < last) expect(result.ok, `byte ${at}`).toBe(false)
      else if (result.ok) expect(result.checkpoints).toBe(2)
    }
  })

  test('a signature of a stranger, of an old key behind its hand-over, of a later key', async () => {
    const [key] = texts as [string]
    const odd = log.file([key, log.checkpoint(7, stranger)])
    expect(await fault(odd)).toMatchObject({ kind: 'checkpoint', sequence: 7 })
    const old = log.file([key, log.key(1, 5), log.checkpoint(7, signer(0))])
    expect(await fault(old)).toMatchObject({ kind: 'checkpoint', sequence: 7 })
    const early = log.file([key, log.key(1, 5), log.checkpoint(4, signer(1))])
    expect(await fault(early)).toMatchObject({ kind: 'checkpoint', sequence: 4 })
    const both = log.file([key, log.key(1, 5), log.checkpoint(5), log.checkpoint(7, signer(1))])
    expect(await fault(both)).toBeUndefined()
    expect(await fault(both, { keys: [signer(1).vkey] })).toBeUndefined()
  })

  test('a hand-over of a size that the log has not', async () => {
    const notes = log.file([texts[0] as string, log.key(1, 12)])
    expect(await fault(notes)).toMatchObject({ kind: 'truncated', sequence: 11, segment: 3 })
  })

  test('notes without the first key, or none at all', async () => {
    expect(await fault(log.file(texts.slice(1)))).toMatchObject({ kind: 'key' })
    expect(await fault('')).toMatchObject({ kind: 'key', segment: 0, offset: 0 })
    expect(await fault(log.file(texts.slice(1)), { keys: [] })).toMatchObject({
      kind: 'checkpoint',
      sequence: 4,
    })
    const notes = undefined as never
    expect(await fault(notes)).toBeUndefined()
    expect(await fault(notes, { outside: [texts[3] as string] })).toBeUndefined()
  })

  test('two roots signed for one size', async () => {
    const other = formatCheckpoint({ origin: ORIGIN, size: 7, root: new Uint8Array(32) })
    const notes = log.file([...texts, signNote(other, [signer(0)])])
    expect(await fault(notes)).toMatchObject({ kind: 'checkpoint', sequence: 7, segment: 0 })
  })

  test('a checkpoint from outside that is none, or of another log', async () => {
    const at = { kind: 'checkpoint', segment: 0 }
    for (const outside of ['', 'text', texts[0] as string, log.checkpoint(7, stranger)]) {
      expect(await fault(file, { outside: [outside] })).toMatchObject(at)
    }
    const foreign = formatCheckpoint({ origin: `${ORIGIN}0`, size: 7, root: log.root(7) })
    const outside = [signNote(foreign, [signer(0)])]
    expect(await fault(file, { outside })).toMatchObject(at)
  })

  test('a fault of the lines comes first', async () => {
    const notes = file.replace('\n7\n', '\n07\n')
    const broken = made()
    broken.segments.splice(1, 1)
    const { firstFault } = await verifyLog(broken.sources(), { notes, keys: KEYS })
    expect(firstFault).toMatchObject({ kind: 'gap', sequence: 5 })
  })

  test('never throws for what the notes hold', async () => {
    const outside = fc.array(fc.string(), { maxLength: 2 })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.nat(file.length), outside, async (bytes, at, texts) => {
        const whole = Buffer.from(file)
        const notes = Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at)])
        const { ok, firstFault } = await run(log, { notes, outside: texts })
        expect(ok).toBe(firstFault === undefined)
      }),
    )
  })
})
