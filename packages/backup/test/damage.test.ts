import { openBackup, openBackupWithKey, readBackupHeader, verifyBackup } from '@secreg/backup'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  backend,
  backupKey,
  chunksOf,
  codeOf,
  credential,
  forgeContent,
  lineOf,
  row,
  SEALED_CHUNK,
  utf8,
  write,
} from './support.ts'

const PREFIX = '{"format":"secreg-backup",'.length

/** What a reader with the credential says about a file. */
const verdict = (file: Uint8Array) =>
  codeOf(async () => verifyBackup(await openBackup([file], credential, { backend })))

const flip = (file: Buffer, bit: number): Buffer => {
  const flipped = Buffer.from(file)
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
  return flipped
}

const small = await write([row('e/a', 'one'), row('e/b', 'two')])
const long = await write([
  row(
    'e/a',
    new Uint8Array(3 * 65_536).map((_, i) => i >> 5),
  ),
])

describe('a flipped bit', () => {
  test('anywhere in the first line is told from a wrong key and from a newer version', async () => {
    const { length } = lineOf(small)
    for (let bit = 0; bit < length * 8; bit++) {
      const expected = bit < PREFIX * 8 ? 'ERR_BACKUP_FORMAT' : 'ERR_BACKUP_HEADER'
      const flipped = flip(small, bit)
      expect(await verdict(flipped), `bit ${bit}`).toBe(expected)
      expect(await codeOf(() => readBackupHeader([flipped])), `bit ${bit}`).toBe(expected)
    }
  })

  test('in the content: at its edges every bit, between them bytes in steps', async () => {
    const from = lineOf(small).length * 8
    const until = small.length * 8
    const step = process.env['SECREG_SOAK'] === '1' ? 1 : 121
    for (let bit = from; bit < until; bit += bit < from + 512 || bit >= until - 128 ? 1 : step) {
      expect(await verdict(flip(small, bit)), `bit ${bit}`).toBe('ERR_BACKUP_DAMAGED')
    }
  })

  test('in any chunk of a long file', async () => {
    const from = lineOf(long).length * 8
    const bits = fc.integer({ min: from, max: long.length * 8 - 1 })
    await fc.assert(
      fc.asyncProperty(bits, async (bit) => {
        expect(await verdict(flip(long, bit))).toBe('ERR_BACKUP_DAMAGED')
      }),
    )
  })
})

describe('a file that ends early', () => {
  test('in its first line or shortly after, at every byte', async () => {
    for (let end = 0; end < lineOf(small).length + 40; end++) {
      expect(await verdict(small.subarray(0, end)), `${end} bytes`).toBe('ERR_BACKUP_TRUNCATED')
    }
  })

  test('anywhere, and at the borders of chunks', async () => {
    const start = lineOf(long).length
    const borders = chunksOf(long).flatMap((_, i) =>
      [-17, -1, 0, 1, 16].map((near) => start + i * SEALED_CHUNK + near),
    )
    for (const end of [...borders, long.length - 1]) {
      expect(await verdict(long.subarray(0, end)), `${end} bytes`).toBe('ERR_BACKUP_TRUNCATED')
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: long.length - 1 }), async (end) => {
        expect(await verdict(long.subarray(0, end))).toBe('ERR_BACKUP_TRUNCATED')
      }),
    )
  })
})

describe('a file in another order', () => {
  const line = lineOf(long)
  const chunks = chunksOf(long)
  const of = (...order: number[]) =>
    verdict(Buffer.concat([line, ...order.map((i) => chunks[i] as Buffer)]))

  test('is what it was only as it was', async () => {
    expect(chunks).toHaveLength(4)
    expect(await of(0, 1, 2, 3)).toBeUndefined()
  })

  test.each([
    ['swapped', [0, 2, 1, 3]],
    ['doubled', [0, 1, 1, 2, 3]],
    ['removed at the beginning', [1, 2, 3]],
    ['removed in the middle', [0, 1, 3]],
    ['last one first', [3, 0, 1, 2]],
  ])('chunks %s', async (_, order) => {
    expect(await of(...order)).toBe('ERR_BACKUP_DAMAGED')
  })

  test('chunks removed at the end', async () => {
    expect(await of(0, 1, 2)).toBe('ERR_BACKUP_TRUNCATED')
    expect(await of()).toBe('ERR_BACKUP_TRUNCATED')
  })

  test('something behind the end', async () => {
    expect(await of(0, 1, 2, 3, 3)).toBe('ERR_BACKUP_TRAILING')
    expect(await of(0, 1, 2, 3, 0)).toBe('ERR_BACKUP_TRAILING')
    expect(await verdict(Buffer.concat([long, Buffer.from('\n')]))).toBe('ERR_BACKUP_TRAILING')
    expect(await verdict(Buffer.concat([small, small]))).toBe('ERR_BACKUP_TRAILING')
  })

  test('the first line of another backup of the same rows', async () => {
    const other = await write([row('e/a', 'one'), row('e/b', 'two')])
    const body = small.subarray(lineOf(small).length)
    expect(await verdict(Buffer.concat([lineOf(other), body]))).toBe('ERR_BACKUP_DAMAGED')
  })
})

describe('content that its writer would not have written', () => {
  const uint = (value: number, length: number) => {
    const bytes = Buffer.alloc(length)
    bytes.writeUIntBE(value, 0, length)
    return bytes
  }
  const meta = Buffer.concat([uint(2, 4), Buffer.from('{}')])
  const end = (count: number) => Buffer.concat([uint(0, 2), uint(count, 6)])
  const record = (key: Uint8Array | string, { create = 1, modify = 1, length = 1 } = {}) =>
    Buffer.concat([
      uint(key.length, 2),
      Buffer.from(key as string),
      uint(create, 6),
      uint(modify, 6),
      uint(length, 4),
      Buffer.from('v'),
    ])
  const filled = (...records: Buffer[]) => {
    const bytes = Buffer.concat(records)
    return Buffer.concat([bytes, Buffer.alloc((65_536 - (bytes.length % 65_536)) % 65_536)])
  }
  const padded = (...records: Buffer[]) => filled(meta, ...records)
  const forged = async (content: Uint8Array) => {
    const file = await forgeContent(small, content)
    return codeOf(async () => verifyBackup(await openBackupWithKey([file], backupKey, { backend })))
  }

  test('is what the others here differ from', async () => {
    expect(await forged(padded(record('a'), record('b'), end(2)))).toBeUndefined()
    expect(await forged(padded(end(0)))).toBeUndefined()
  })

  test.each([
    ['rows out of order', padded(record('b'), record('a'), end(2))],
    ['a row twice', padded(record('a'), record('a'), end(2))],
    ['too few rows', padded(record('a'), end(2))],
    ['too many rows', padded(record('a'), record('b'), end(1))],
    ['a key that is too long', padded(record('k'.repeat(1025)), end(1))],
    ['a key that is no text', padded(record(Buffer.of(0xff)), end(1))],
    ['a value that is too long', padded(record('a', { length: 16 * 1024 * 1024 + 1 }), end(1))],
    ['a value beyond the end', padded(record('a', { length: 70_000 }))],
    ['a revision of 0', padded(record('a', { create: 0 }), end(1))],
    ['changed before it was made', padded(record('a', { create: 2, modify: 1 }), end(1))],
    ['changed after the backup', padded(record('a', { modify: 1001 }), end(1))],
    ['no end', padded(record('a'))],
    ['something else than zero bytes behind the end', padded(end(0), Buffer.of(0, 1))],
    ['an empty chunk behind the end', Buffer.concat([padded(end(0)), Buffer.alloc(65_536)])],
    ['a chunk that is not full', Buffer.concat([meta, end(0)])],
    [
      'a meta document that is too long',
      filled(uint(2 ** 20 + 1, 4), Buffer.from(`{"a":"${'x'.repeat(2 ** 20 + 1 - 8)}"}`), end(0)),
    ],
    [
      'a meta document that is no object',
      Buffer.concat([uint(2, 4), Buffer.from('[]'), Buffer.alloc(65_530)]),
    ],
    [
      'a meta document that is no JSON',
      Buffer.concat([uint(2, 4), Buffer.from('{]'), Buffer.alloc(65_530)]),
    ],
    [
      'a meta document that is no text',
      Buffer.concat([uint(1, 4), Buffer.of(0xff), Buffer.alloc(65_531)]),
    ],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_, content) => {
    expect(await forged(content)).toBe('ERR_BACKUP_DAMAGED')
  })
})

test('rows that come before the damage are given, then the error', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => row(`e/${10 + i}`, new Uint8Array(10_000)))
  const file = await write(rows)
  const damaged = flip(file, (file.length - 5) * 8)
  const content = await openBackupWithKey([damaged], backupKey, { backend })
  let given = 0
  const code = await codeOf(async () => {
    for await (const _ of content.rows()) given++
  })
  expect(code).toBe('ERR_BACKUP_DAMAGED')
  expect(given).toBeGreaterThan(30)
  expect(given).toBeLessThan(40)
})

test('files of other kinds are no backups', async () => {
  const others = [
    'hello\n',
    '{}\n',
    '{"format":"secreg-export-encrypted","version":1}\n',
    '\n',
    '\0',
  ]
  for (const text of others) expect(await verdict(utf8(text))).toBe('ERR_BACKUP_FORMAT')
})

test('a first line that does not end is given up', async () => {
  let asked = 0
  function* unending(): Generator<Uint8Array> {
    yield lineOf(small).subarray(0, 100)
    // Long beyond the bound, not endless: a reader without a bound is to fail here, not to fill the memory.
    while (asked < 64) {
      asked++
      yield new Uint8Array(65_536).fill(0x20)
    }
  }
  expect(await codeOf(() => readBackupHeader(unending()))).toBe('ERR_BACKUP_HEADER')
  expect(asked).toBe(16)
})

test('any bytes are refused with an error of ours', async () => {
  const starts = fc.constantFrom(Buffer.alloc(0), lineOf(small).subarray(0, 60), lineOf(small))
  await fc.assert(
    fc.asyncProperty(starts, fc.uint8Array({ maxLength: 200 }), async (start, bytes) => {
      expect(await verdict(Buffer.concat([start, bytes]))).toMatch(/^ERR_BACKUP_/)
    }),
  )
})

test('another file is refused at its first piece', async () => {
  let asked = 0
  function* source(): Generator<Uint8Array> {
    while (asked < 10) {
      asked++
      yield utf8('not a backup')
    }
  }
  expect(await codeOf(() => readBackupHeader(source()))).toBe('ERR_BACKUP_FORMAT')
  expect(asked).toBe(1)
})
