import { gunzipSync } from 'node:zlib'
import { createMemoryFiles } from '@secreg/audit/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashTerm, makeFilter, mayHold } from '../../src/segments/bloom.ts'
import { CompressedSegment } from '../../src/segments/compressed.ts'
import { blocksForward, MAX_BLOCK_BYTES } from '../../src/segments/forward.ts'
import {
  decodeMember,
  encodeMember,
  MEMBER_HEADER_BYTES,
  readMemberHeader,
} from '../../src/segments/gzip-member.ts'
import { decodeIndex, encodeIndex, type SegmentIndex } from '../../src/segments/index-file.ts'

const DIRECTORY = '/d'
const PATH = '/d/f'

function fileOf(bytes: Uint8Array) {
  const files = createMemoryFiles()
  files.makeDirectory(DIRECTORY)
  files.writeFile(PATH, bytes)
  return files.open(PATH, 'read')
}

async function compress(blocks: readonly Buffer[]): Promise<Buffer> {
  return Buffer.concat(await Promise.all(blocks.map(encodeMember)))
}

describe('blocksForward', () => {
  test('cuts between lines, whatever the size of a block', async () => {
    const text = Array.from({ length: 50 }, (_, n) => 'x'.repeat((n * 37) % 120)).join('\n')
    const bytes = Buffer.from(`${text}\n`)
    for (const blockBytes of [1, 2, 7, 64, 119, 120, 121, 1000, 100_000]) {
      let at = 0
      for await (const block of blocksForward(fileOf(bytes), 0, bytes.length, blockBytes)) {
        expect(block.offset).toBe(at)
        expect(block.bytes.at(-1)).toBe(0x0a)
        const lines = block.bytes.subarray(1)
        expect(lines.equals(bytes.subarray(at, at + lines.length))).toBe(true)
        at += lines.length
      }
      expect(at).toBe(bytes.length)
    }
  })

  test.each([
    ['has no newline at the end', 'a\nb', 3],
    ['is shorter than it was', 'a\n', 4],
  ])('refuses a segment that %s', async (_, text, end) => {
    const read = async (): Promise<void> => {
      for await (const _block of blocksForward(fileOf(Buffer.from(text)), 0, end));
    }
    await expect(read()).rejects.toMatchObject({ code: 'ERR_AUDIT_TAMPERED' })
  })
})

describe('compressed segments', () => {
  const lines = Array.from({ length: 5 }, (_, n) => Buffer.from(`${`line ${n} `.repeat(50)}\n`))

  test('gunzip reads them', async () => {
    const bytes = await compress(lines)
    expect(gunzipSync(bytes).equals(Buffer.concat(lines))).toBe(true)
  })

  test('read at any place, of any length', async () => {
    const segment = await CompressedSegment.open(fileOf(await compress(lines)), 1)
    const plain = Buffer.concat(lines)
    expect(segment.size).toBe(plain.length)
    for (let at = 0; at <= plain.length; at += 13) {
      for (const length of [0, 1, 100, 349, 350, 351, 1000, 5000]) {
        const into = Buffer.alloc(length)
        const count = await segment.read(into, at)
        expect(count).toBe(Math.min(length, plain.length - at))
        expect(into.subarray(0, count).equals(plain.subarray(at, at + count))).toBe(true)
      }
    }
  })

  test('every flipped bit is noticed or harmless', async () => {
    const bytes = await compress(lines.slice(0, 2))
    const plain = Buffer.concat(lines.slice(0, 2))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >>> 3] = (changed[bit >>> 3] as number) ^ (1 << (bit & 7))
      const into = Buffer.alloc(plain.length + 1)
      const read = async (): Promise<Buffer> => {
        const segment = await CompressedSegment.open(fileOf(changed), 7)
        return into.subarray(0, await segment.read(into, 0))
      }
      await read().then(
        (found) => expect(found.equals(plain)).toBe(true),
        (error) => expect(error).toMatchObject({ code: 'ERR_AUDIT_TAMPERED', segment: 7 }),
      )
    }
  })

  test('cut anywhere but between blocks', async () => {
    const bytes = await compress(lines.slice(0, 2))
    const [first] = [await encodeMember(lines[0] as Buffer)]
    for (let length = 1; length < bytes.length; length++) {
      if (length === first?.length) continue
      const cut = fileOf(bytes.subarray(0, length))
      await expect(CompressedSegment.open(cut, 1)).rejects.toMatchObject({
        code: 'ERR_AUDIT_TAMPERED',
      })
    }
  })

  test('a block is never inflated beyond what its header says', async () => {
    const bomb = await encodeMember(Buffer.alloc(8_000_000, 0x61))
    const place = readMemberHeader(bomb)
    expect(place?.length).toBe(8_000_000)
    bomb.writeUInt32LE(1000, 20)
    bomb.writeUInt32LE(1000, bomb.length - 4)
    const small = readMemberHeader(bomb)
    expect(small?.length).toBe(1000)
    expect(await decodeMember(bomb, { bytes: bomb.length, length: 1000 })).toBeUndefined()
  })

  test.each([0, MAX_BLOCK_BYTES + 1, 0xffffffff])(
    'a header with %i bytes of lines',
    async (length) => {
      const member = await encodeMember(lines[0] as Buffer)
      member.writeUInt32LE(length, 20)
      expect(readMemberHeader(member.subarray(0, MEMBER_HEADER_BYTES))).toBeUndefined()
    },
  )

  test.each([0, 31, 0xffffffff])('a header with %i bytes of member', async (length) => {
    const member = await encodeMember(lines[0] as Buffer)
    member.writeUInt32LE(length, 16)
    expect(readMemberHeader(member)).toBeUndefined()
  })
})

describe('Bloom filter', () => {
  test('holds what was put in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 300 }), (terms) => {
        const filter = makeFilter(new Set(terms))
        expect(terms.every((term) => mayHold(filter, hashTerm(term)))).toBe(true)
      }),
    )
  })

  test.each([1, 10, 100, 1000, 20_000])('of %i terms lets about 1 %% of others pass', (count) => {
    const filter = makeFilter(new Set(Array.from({ length: count }, (_, n) => `path:/app/${n}`)))
    let passed = 0
    for (let n = 0; n < 20_000; n++) if (mayHold(filter, hashTerm(`path:/app/x${n}`))) passed++
    expect(filter.length).toBe(Math.ceil((count * 10) / 8))
    expect(passed / 20_000).toBeLessThan(count < 10 ? 0.1 : 0.02)
  })

  test('without terms holds nothing', () => {
    expect(mayHold(makeFilter(new Set()), hashTerm(''))).toBe(false)
  })
})

describe('index file', () => {
  const place = { earliest: '2026-11-22T07:04:05.123Z', latest: '2026-11-22T07:04:06.123Z' }
  const index: SegmentIndex = {
    segment: 3,
    termsVersion: 9,
    blocks: [
      {
        ...place,
        firstSequence: 2 ** 40,
        lines: 5,
        offset: 0,
        length: 999,
        at: 0,
        bytes: 70,
        terms: makeFilter(new Set(['a', 'b'])),
      },
      {
        ...place,
        firstSequence: 2 ** 40 + 5,
        lines: 1,
        offset: 999,
        length: 9,
        at: 70,
        bytes: 40,
        terms: undefined,
      },
      {
        ...place,
        firstSequence: 2 ** 40 + 6,
        lines: 1,
        offset: 1008,
        length: 9,
        at: 110,
        bytes: 40,
        terms: new Uint8Array(0),
      },
    ],
  }

  test('comes back as it was', () => {
    const read = decodeIndex(encodeIndex(index), 3)
    const blocks = read?.blocks.map(({ terms, ...block }) => ({
      ...block,
      terms: terms && Uint8Array.from(terms),
    }))
    expect({ ...read, blocks }).toEqual(index)
    expect(decodeIndex(encodeIndex({ ...index, blocks: [] }), 3)?.blocks).toEqual([])
  })

  test('is refused with any flipped bit, cut anywhere, or for another segment', () => {
    const bytes = encodeIndex(index)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >>> 3] = (changed[bit >>> 3] as number) ^ (1 << (bit & 7))
      expect(decodeIndex(changed, 3)).toBeUndefined()
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeIndex(bytes.subarray(0, length), 3)).toBeUndefined()
    }
    expect(decodeIndex(bytes, 4)).toBeUndefined()
  })

  test.each([
    ['a gap between lines', { firstSequence: 2 ** 40 + 4 }],
    ['a gap between offsets', { offset: 998 }],
    ['a gap between members', { at: 71 }],
    ['no lines', { lines: 0 }],
    ['no bytes', { length: 0 }],
  ])('is refused with %s', (_, change) => {
    const [first, second] = index.blocks
    const blocks = [first, { ...second, ...change }] as SegmentIndex['blocks']
    expect(decodeIndex(encodeIndex({ ...index, blocks }), 3)).toBeUndefined()
  })
})
