import {
  type BackupRow,
  openBackup,
  openBackupWithKey,
  readBackupHeader,
  verifyBackup,
  writeBackup,
} from '@secreg/backup'
import { nobleBackend } from '@secreg/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  all,
  backend,
  backupKey,
  collect,
  credential,
  cut,
  parts,
  rootKey,
  row,
  SEALED_CHUNK,
  seal,
  someRows,
  write,
} from './support.ts'

const plain = (rows: readonly BackupRow[]) =>
  rows.map(({ value, ...rest }) => ({ ...rest, value: Buffer.from(value).toString('base64') }))

test('what is written is read, on either backend, however the file is cut', async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 4 })
  const meta = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 })
  const backends = fc.constantFrom(nobleBackend, backend)
  await fc.assert(
    fc.asyncProperty(
      someRows,
      meta,
      lengths,
      backends,
      backends,
      async (rows, meta, cuts, a, b) => {
        fc.pre(Math.max(...cuts) > 500)
        const file = await write(rows, { meta, backend: a })
        const opened = await openBackup(cut(file, cuts), credential, { backend: b })
        expect(JSON.stringify(opened.meta)).toBe(JSON.stringify(meta))
        expect(opened.rootKey).toEqual(rootKey)
        expect(plain(await all(opened.rows()))).toEqual(plain(rows))
      },
    ),
    { numRuns: 60 },
  )
})

test('the header says what it is without a secret', async () => {
  const stream = writeBackup({ ...parts, rows: [row('a')] })
  const file = await collect(stream)
  const header = await readBackupHeader([file])
  expect(header).toEqual(stream.header)
  expect(header).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    createdAtMs: parts.createdAtMs,
    generation: parts.generation,
    revision: parts.revision,
    seal,
  })
})

test('a file has whole chunks after its first line', async () => {
  for (const length of [0, 65_000, 65_536, 70_000, 140_000]) {
    const file = await write([row('a', new Uint8Array(length))])
    expect((file.length - file.indexOf('\n') - 1) % SEALED_CHUNK).toBe(0)
  }
})

test('every length around the border of a chunk', async () => {
  const overhead = 4 + 2 + 2 + 1 + 16 + 8
  for (let length = 65_536 - overhead - 12; length < 65_536 - overhead + 12; length++) {
    const file = await write([row('a', new Uint8Array(length))], { meta: {} })
    const chunks = length <= 65_536 - overhead ? 1 : 2
    expect(file.length - file.indexOf('\n') - 1).toBe(chunks * SEALED_CHUNK)
    const [only] = await all((await openBackupWithKey([file], backupKey, { backend })).rows())
    expect(only?.value.length).toBe(length)
  }
})

test('a report counts rows and bytes by space', async () => {
  const file = await write([row('e/a', '12345'), row('e/č', ''), row('v/1', '1'), row('😀', '')])
  const report = await verifyBackup(await openBackupWithKey([file], backupKey, { backend }))
  expect(report).toEqual({
    id: (await readBackupHeader([file])).id,
    revision: 1000,
    rows: 4,
    bytes: 8 + 4 + 4 + 4,
    spaces: new Map([
      ['e', { rows: 2, bytes: 12 }],
      ['v', { rows: 1, bytes: 4 }],
      ['😀', { rows: 1, bytes: 4 }],
    ]),
  })
})
