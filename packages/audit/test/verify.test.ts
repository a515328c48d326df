import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KnownLine, openLog, verifyDirectory } from '@secreg/audit'
import { createMemoryFiles } from '@secreg/audit/testing'
import { GENESIS_HASH, parseLine, type SegmentSource, verifySegments } from '@secreg/audit/verify'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { freshDirectory, items, leaf, linesOf, openSmall, SEGMENT_1, T0 } from './support.ts'

const COUNT = 8

async function lines(count: number = COUNT): Promise<Buffer[]> {
  const files = createMemoryFiles()
  const log = await openSmall(files)
  for (let n = 1; n <= count; n++) log.append(items(1, n, n % 2 ? n : undefined))
  await log.close()
  return linesOf(files.readFile(SEGMENT_1))
}

function source(segment: number, ...bytes: Uint8Array[]): SegmentSource {
  return { segment, bytes }
}

function known(line: Buffer, sequence: number): KnownLine {
  return { sequence, hash: leaf(line.subarray(0, -1)) }
}

/** The line with `from` replaced, and everything else as it was. */
function edit(line: Buffer, from: string | RegExp, to: string): Buffer {
  const text = line.toString()
  const edited = text.replace(from, to)
  expect(edited).not.toBe(text)
  return Buffer.from(edited)
}

describe('weakness 50: tampering is found at the exact line', () => {
  const tail = (all: Buffer[]): KnownLine => known(all[COUNT - 1] as Buffer, COUNT)
  const check = async (all: Buffer[], expected: object, options: object): Promise<void> => {
    const result = await verifySegments([source(1, Buffer.concat(all))], options)
    expect(result.firstFault).toMatchObject({ segment: 1, ...expected })
    expect(result.ok).toBe(false)
  }
  const everyLine = Array.from({ length: COUNT }, (_, index) => [index + 1])

  test.each(everyLine)('line %i edited', async (n) => {
    const all = await lines()
    const offset = Buffer.concat(all.slice(0, n - 1)).length
    const original = all[n - 1] as Buffer
    const options = { known: [tail(all)] }
    for (const edited of [
      edit(original, '/system/', '/System/'),
      edit(original, /"body":\{/, '"body":{"extra":true,'),
      edit(original, /"time":"2026/, '"time":"2025'),
      edit(original, /"prev":"../, '"prev":"aa'),
      edit(original, /"seq":\d+/, '"seq":100'),
      ...(n > 1 ? [edit(original, /"seq":\d+/, `"seq":${n - 1}`)] : []),
      edit(original, /"seq":\d+/, `"seq":${n + 1}`),
      n % 2
        ? edit(original, /"rev":\d+,/, '"rev":99,')
        : edit(original, ',"body"', ',"rev":1,"body"'),
    ]) {
      const changed = all.with(n - 1, edited)
      await check(changed, { sequence: n, kind: 'edited', offset }, options)
      // Without a known last line, an edit of that one line alone is invisible.
      if (n < COUNT - 1) await check(changed, { sequence: n, kind: 'edited', offset }, {})
    }
  })

  test.each(everyLine)('one bit of line %i flipped anywhere', async (n) => {
    const all = await lines()
    const original = all[n - 1] as Buffer
    for (let at = 0; at < original.length; at++) {
      const flipped = Buffer.from(original)
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      const changed = all.with(n - 1, flipped)
      const result = await verifySegments([source(1, Buffer.concat(changed))], {
        known: [tail(all)],
      })
      // Without its newline a line swallows the next one, which is then missing.
      const expected = at === original.length - 1 && n < COUNT ? n + 1 : n
      expect(result.firstFault?.sequence, `byte ${at}`).toBe(expected)
    }
  })

  test.each(everyLine)('line %i deleted', async (n) => {
    const all = await lines()
    const kind = n === COUNT ? 'truncated' : 'gap'
    const offset = Buffer.concat(all.slice(0, n - 1)).length
    const options = { known: [tail(all)] }
    await check(all.toSpliced(n - 1, 1), { sequence: n, kind, offset }, options)
    if (n < COUNT) await check(all.toSpliced(n - 1, 1), { sequence: n, kind, offset }, {})
    if (n < COUNT - 2) await check(all.toSpliced(n - 1, 3), { sequence: n, kind, offset }, {})
  })

  test.each(everyLine)('line %i doubled, a forged one inserted behind it', async (n) => {
    const all = await lines()
    const line = all[n - 1] as Buffer
    const offset = Buffer.concat(all.slice(0, n)).length
    await check(all.toSpliced(n, 0, line), { sequence: n, kind: 'inserted', offset }, {})
    const forge = (prev: string): Buffer =>
      Buffer.from(`{"seq":${n + 1},"time":"2026-11-22T07:04:05.123Z","prev":"${prev}","body":{}}\n`)
    if (n === COUNT) return
    const found = { sequence: n + 1, kind: 'inserted' }
    await check(all.toSpliced(n, 0, forge(leaf(line.subarray(0, -1)))), found, {})
    await check(all.toSpliced(n, 0, forge(leaf('else'))), found, {})
  })

  test.each(everyLine.slice(0, -1))('line %i moved back', async (n) => {
    const all = await lines()
    const [moved] = all.splice(n - 1, 1) as [Buffer]
    const swapped = all.toSpliced(n, 0, moved)
    await check(swapped, { sequence: n, kind: 'reordered' }, {})
    if (n < COUNT - 1) await check([...all, moved], { sequence: n, kind: 'gap' }, {})
  })

  test.each(everyLine)('cut off behind line %i', async (n) => {
    const all = await lines()
    const kept = all.slice(0, n)
    const plain = await verifySegments([source(1, ...kept)])
    expect(plain).toEqual({ ok: true, records: n, tail: known(all[n - 1] as Buffer, n) })
    if (n === COUNT) return
    await check(kept, { sequence: n + 1, kind: 'truncated' }, { known: [tail(all)] })
    const half = (all[n] as Buffer).subarray(0, 50)
    await check([...kept, half], { sequence: n + 1, kind: 'torn' }, {})
  })

  test.each([
    ['no line at all', 'x\n'],
    ['empty line', '\n'],
    ['space', '{"seq":4, '],
    ['leading zero', '{"seq":04,'],
    ['number too large', '{"seq":9007199254740993,'],
    ['NUL', '{"seq":4,"time":"\0'],
  ])('a malformed line: %s', async (_, start) => {
    const all = await lines()
    const malformed = edit(all[3] as Buffer, '{"seq":4,', start)
    await check(all.with(3, malformed), { sequence: 4, kind: 'malformed' }, {})
  })

  test('a NUL inside a body, and upper-case hash digits', async () => {
    const all = await lines()
    const nul = edit(all[7] as Buffer, '/system/', '/sys\0em/')
    await check(all.with(7, nul), { sequence: 8, kind: 'malformed' }, {})
    const upper = (all[7] as Buffer).toString().replace(/"prev":"(\w+)"/, (text) => {
      return text.replace(/[a-f]/g, (digit) => digit.toUpperCase())
    })
    await check(all.with(7, Buffer.from(upper)), { sequence: 8, kind: 'malformed' }, {})
  })
})

test('segments: missing, out of order, cut, and faults in a later one', async () => {
  const all = await lines()
  const cut = (...at: number[]): Buffer[] =>
    [...at, COUNT].map((end, index) => Buffer.concat(all.slice(at[index - 1] ?? 0, end)))
  const [one, two, three] = cut(3, 5) as [Buffer, Buffer, Buffer]
  const run = async (...segments: SegmentSource[]) => (await verifySegments(segments)).firstFault
  expect(await run(source(1, one), source(2, two), source(3, three))).toBeUndefined()
  expect(await run(source(1, one), source(3, three))).toMatchObject({
    kind: 'missing-segment',
    segment: 2,
    sequence: 4,
  })
  expect(await run(source(2, two))).toMatchObject({ kind: 'missing-segment', segment: 1 })
  expect(await run(source(1, one), source(2, two.subarray(0, -3)), source(3, three))).toMatchObject(
    { kind: 'malformed', segment: 2, sequence: 5, offset: all[3]?.length },
  )
  expect(await run(source(1, one), source(2), source(3, three))).toMatchObject({
    kind: 'gap',
    segment: 3,
    sequence: 4,
    offset: 0,
  })
  const edited = edit(all[2] as Buffer, '/system/', '/System/')
  const first = Buffer.concat([...all.slice(0, 2), edited])
  expect(await run(source(1, first), source(2, two), source(3, three))).toMatchObject({
    kind: 'edited',
    segment: 1,
    sequence: 3,
    offset: one.length - edited.length,
  })
})

test('chunks may end anywhere, and are left as given', async () => {
  const all = Buffer.concat(await lines())
  const before = Buffer.from(all)
  const expected = await verifySegments([source(1, all)])
  expect(expected.ok).toBe(true)
  for (let at = 0; at <= all.length; at++) {
    const result = await verifySegments([source(1, all.subarray(0, at), all.subarray(at))])
    expect(result).toEqual(expected)
  }
  const bytewise = Array.from(all, (byte) => Uint8Array.of(byte))
  expect(await verifySegments([source(1, ...bytewise)])).toEqual(expected)
  expect(all.equals(before)).toBe(true)
})

test('never throws for what the bytes hold', async () => {
  const all = Buffer.concat(await lines(3))
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 400 }),
      fc.nat(all.length),
      fc.nat(all.length),
      async (bytes, from, to) => {
        const mixed = Buffer.concat([all.subarray(0, from), bytes, all.subarray(to)])
        const { ok, records } = await verifySegments([source(1, mixed)])
        expect(records).toBeLessThanOrEqual(3)
        // The last line alone may differ: nothing after it says what it was.
        const sure = mixed.length - (linesOf(mixed).at(-1)?.length ?? 0)
        if (ok) expect(mixed.subarray(0, sure).equals(all.subarray(0, sure))).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})

test('progress, abort, an empty log', async () => {
  const all = Buffer.concat(await lines())
  const seen: object[] = []
  await verifySegments([source(1, all)], { onProgress: (progress) => seen.push(progress) })
  expect(seen).toEqual([{ records: COUNT, segment: 1, bytes: all.length }])
  expect(await verifySegments([])).toEqual({
    ok: true,
    records: 0,
    tail: { sequence: 0, hash: GENESIS_HASH },
  })
  const { signal } = new AbortController()
  const stopped = AbortSignal.abort()
  await expect(verifySegments([source(1, all)], { signal: stopped })).rejects.toThrow()
  expect((await verifySegments([source(1, all)], { signal })).ok).toBe(true)
})

test('a directory that is being written verifies as far as it is', async () => {
  const directory = freshDirectory()
  const log = await openLog({ directory })
  log.append(items(5))
  const mid = await verifyDirectory(directory)
  log.append(items(5, 6))
  const known = [mid.tail, log.tail, mid.tail]
  const result = await verifyDirectory(directory, { known })
  expect(result).toMatchObject({ ok: true, records: 10 })
  const until = log.tail
  log.append(items(5, 11))
  expect(await verifyDirectory(directory, { known, until })).toEqual(result)
  const contradicted = [...known, { sequence: 5, hash: leaf('x') }]
  const { firstFault: contradiction } = await verifyDirectory(directory, { known: contradicted })
  expect(contradiction).toMatchObject({ kind: 'edited', sequence: 5 })
  await log.close()
  const path = join(directory, '00000001.jsonl')
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace('/system/4', '/system/9'))
  const { firstFault } = await verifyDirectory(directory)
  expect(firstFault).toMatchObject({ kind: 'edited', sequence: 4, segment: 1 })
  expect(firstFault?.message).not.toContain('system')
})

test('parseLine reads the envelope alone', () => {
  const text = `\n{"seq":12,"time":"${new Date(T0).toISOString()}","prev":"${'a'.repeat(64)}","rev":3,"body":{"rev":9}}\n`
  const bytes = Buffer.from(text)
  const head = { sequence: 12, previous: 'a'.repeat(64), revision: 3 }
  expect(parseLine(bytes, 1, bytes.length - 1)).toEqual(head)
  for (let end = 1; end < bytes.length - 1; end++) expect(parseLine(bytes, 1, end)).toBeUndefined()
})
