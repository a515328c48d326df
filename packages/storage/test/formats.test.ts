import { createTestCheck } from '@secreg/storage/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { ByteReader } from '../src/byte-reader.ts'
import { type Crc32c, createCrc32c, maskCrc32c } from '../src/crc32c.ts'
import { decodeHead, encodeHead } from '../src/head-row.ts'
import { decodeChange, encodeChange, sizeOfChange } from '../src/layout.ts'
import { scanLog } from '../src/log-file.ts'
import { RowCache } from '../src/row-cache.ts'
import { decodeRow, encodeRow } from '../src/row-format.ts'
import { atOnce } from '../src/slices.ts'
import { SortedMap } from '../src/sorted-map.ts'
import { checkTable } from '../src/table-check.ts'
import { outcome } from './stores.ts'

let crc: Crc32c

beforeAll(async () => {
  crc = await createCrc32c()
})

test('CRC-32C (RFC 3720, appendix B.4)', () => {
  expect(crc(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  expect(crc(Buffer.from('123456789'))).toBe(0xe3069283)
})

describe('rows', () => {
  const check = createTestCheck('rows')
  const revision = fc.nat({ max: 2 ** 48 - 1 })

  test('survive encoding', () => {
    const values = fc.uint8Array({ maxLength: 100 })
    fc.assert(
      fc.property(values, revision, revision, fc.boolean(), (value, create, modify, keyed) => {
        const used = keyed ? check : undefined
        const { bytes, row } = encodeRow('dk', 'k', value, create, modify, used)
        expect(bytes.length).toBe(18 + value.length + (keyed ? 16 : 0))
        for (const found of [row, decodeRow('dk', 'k', bytes, used)]) {
          expect(Buffer.from(found.value)).toEqual(Buffer.from(value))
          expect([found.createRevision, found.modifyRevision]).toEqual([create, modify])
        }
      }),
    )
  })

  test('with any flipped bit, under another key, or cut short, are damage', async () => {
    for (const used of [undefined, check]) {
      const { bytes } = encodeRow('dk', 'k', Buffer.from('value'), 3, 7, used)
      expect(await outcome(() => decodeRow('dl', 'l', bytes, used))).toBe('ERR_STORAGE_CORRUPT')
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = Uint8Array.from(bytes)
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(await outcome(() => decodeRow('dk', 'k', damaged, used))).toBe('ERR_STORAGE_CORRUPT')
      }
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length)
        expect(await outcome(() => decodeRow('dk', 'k', cut, used))).toBe('ERR_STORAGE_CORRUPT')
      }
    }
  })

  test('a forged row with a right checksum fails its tag', async () => {
    const forged = encodeRow('dk', 'k', Buffer.from('x'), 1, 1, createTestCheck('forger')).bytes
    const stripped = encodeRow('dk', 'k', Buffer.from('x'), 1, 1, undefined).bytes
    for (const bytes of [forged, stripped]) {
      expect(await outcome(() => decodeRow('dk', 'k', bytes, undefined))).toBe('ok')
      expect(await outcome(() => decodeRow('dk', 'k', bytes, check))).toBe('ERR_STORAGE_CORRUPT')
    }
  })

  test('any bytes are a row or damage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        expect(await outcome(() => decodeRow('dk', 'k', bytes, check))).toBe('ERR_STORAGE_CORRUPT')
      }),
    )
  })
})

test('head and change rows survive encoding; any bytes are one or damage', async () => {
  const head = {
    revision: 9,
    generation: 'ab'.repeat(16),
    rows: 2 ** 40,
    rowSum: 2 ** 48 - 1,
    sums: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
    keyed: true,
  }
  expect(decodeHead(encodeHead(head), 9, true)).toEqual(head)
  for (const length of [27, 28, 59, 61]) {
    expect(await outcome(() => decodeHead(Buffer.alloc(length), 1, false))).toBe(
      'ERR_STORAGE_CORRUPT',
    )
  }
  const ops = [
    { type: 'put' as const, key: 'a\u{1f600}' },
    { type: 'delete' as const, key: 'b' },
  ]
  const payload = Buffer.from('payload')
  const encoded = Buffer.alloc(atOnce(sizeOfChange(ops, payload)))
  atOnce(encodeChange(ops, payload, encoded))
  expect(atOnce(decodeChange(new Uint8Array(encoded)))).toEqual({
    keys: [
      { key: 'a\u{1f600}', put: true },
      { key: 'b', put: false },
    ],
    payload: new Uint8Array(Buffer.from('payload')),
  })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
      expect(['ok', 'ERR_STORAGE_CORRUPT']).toContain(
        await outcome(() => atOnce(decodeChange(bytes))),
      )
    }),
  )
})

describe("LevelDB's log format", () => {
  function record(type: number, payload: Uint8Array): Buffer {
    const bytes = Buffer.alloc(7 + payload.length)
    bytes.writeUInt16LE(payload.length, 4)
    bytes[6] = type
    bytes.set(payload, 7)
    bytes.writeUInt32LE(maskCrc32c(crc(bytes.subarray(6))), 0)
    return bytes
  }

  function log(...payloads: Uint8Array[]): Buffer {
    const parts: Buffer[] = []
    let at = 0
    for (const payload of payloads) {
      let rest = payload
      let begin = true
      do {
        const left = 32_768 - (at % 32_768)
        if (left < 7) {
          parts.push(Buffer.alloc(left))
          at += left
          continue
        }
        const part = rest.subarray(0, left - 7)
        rest = rest.subarray(part.length)
        parts.push(record(rest.length === 0 ? (begin ? 1 : 4) : begin ? 2 : 3, part))
        at += 7 + part.length
        begin = false
      } while (rest.length > 0 || begin)
    }
    return Buffer.concat(parts)
  }

  test('is read in full', () => {
    const payloads = [10, 32_000, 754, 100_000, 1, 5].map((size) => Buffer.alloc(size, size))
    const scan = atOnce(scanLog(log(...payloads), crc))
    expect(scan.records.map((each) => Buffer.from(each))).toEqual(payloads)
    expect([scan.damagedAt, scan.tornAt]).toEqual([undefined, undefined])
  })

  test('cut short at any place is torn there, never damaged', () => {
    const payloads = [100, 200, 33_000, 50].map((size) => Buffer.alloc(size, 7))
    const whole = log(...payloads)
    for (let cut = 1; cut < whole.length; cut += cut < 800 ? 1 : 997) {
      const scan = atOnce(scanLog(whole.subarray(0, cut), crc))
      expect(scan.damagedAt).toBe(undefined)
      expect(scan.records.length).toBeLessThan(4)
    }
  })

  test('with a flipped bit before the last record is damaged, and gives no wrong record', () => {
    const payloads = [100, 200, 300, 50].map((size, i) => Buffer.alloc(size, i))
    const whole = log(...payloads)
    const last = whole.length - 57
    for (let bit = 0; bit < whole.length * 8; bit += 5) {
      const damaged = Buffer.from(whole)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      const scan = atOnce(scanLog(damaged, crc))
      if (bit >> 3 < last) expect(scan.damagedAt, `bit ${bit}`).not.toBe(undefined)
      for (const [i, each] of scan.records.entries()) expect(Buffer.from(each)).toEqual(payloads[i])
      expect(scan.records.length).toBeLessThan(4)
    }
  })

  test('any bytes end in a verdict', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(atOnce(scanLog(bytes, crc)).records.length).toBe(0)
      }),
    )
  })
})

test('any bytes are no table, with nothing worse than an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => atOnce(checkTable(bytes, crc))).toThrow(RangeError)
    }),
  )
})

test('varints are bounded', () => {
  expect(new ByteReader(Buffer.of(0xac, 0x02)).varint()).toBe(300)
  expect(() => new ByteReader(Buffer.alloc(12, 0xff)).varint()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.of(0x80)).varint()).toThrow(RangeError)
})

test('the row cache stays within its budget and keeps what is used', () => {
  const cache = new RowCache(100_000)
  const row = (i: number) => encodeRow('d', 'k', Buffer.alloc(100), i, i, undefined).row
  cache.set('hot', row(1))
  for (let i = 0; i < 5000; i++) {
    cache.set(`k${i}`, row(i))
    expect(cache.get('hot')?.createRevision).toBe(1)
    expect(cache.bytes).toBeLessThanOrEqual(100_000)
  }
  expect(cache.get('k0')).toBe(undefined)
  expect(cache.get('k4999')?.createRevision).toBe(4999)
  for (let i = 0; i < 5000; i++) cache.delete(`k${i}`)
  cache.delete('hot')
  expect([cache.rows, cache.bytes]).toEqual([0, 0])
  cache.set('big', encodeRow('d', 'k', Buffer.alloc(60_000), 1, 1, undefined).row)
  expect(cache.get('big')).toBe(undefined)
})

test('a sorted map with 100,000 keys stays fast and keeps its old versions', () => {
  let map = new SortedMap<number>()
  for (let i = 0; i < 100_000; i += 100) {
    const entries = Array.from({ length: 100 }, (_, j): [string, number] => {
      const n = ((i + j) * 7919) % 100_000
      return [`k${String(n).padStart(6, '0')}`, n]
    })
    map = atOnce(map.with(new Map(entries)))
  }
  const old = map
  map = atOnce(map.with(new Map([['k000500', undefined]])))
  expect([old.get('k000500'), map.get('k000500'), map.get('k000501')]).toEqual([
    500,
    undefined,
    501,
  ])
  let count = 0
  for (let at = old.first(); old.at(at) !== undefined; at = old.after(at)) {
    expect(old.at(at)?.[1]).toBe(count++)
  }
  expect(count).toBe(100_000)
})
