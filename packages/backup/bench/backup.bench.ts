/**
 * Writing and verifying a backup of 100,000 rows of 300 bytes, and of 16 rows of 1 MiB.
 *
 * Run with `npx vitest bench --run --root . --config ../../vitest.config.ts`.
 */
import { type BackupRow, openBackupWithKey, verifyBackup, writeBackup } from '@secreg/backup'
import { createSeal, deriveSubkey } from '@secreg/crypto'
import { nodeBackend as backend } from '@secreg/crypto/node'
import { bench, describe } from 'vitest'

const { header, rootKey } = await createSeal([{ kind: 'key-file', bytes: new Uint8Array(32) }], {
  backend,
})
const backupKey = deriveSubkey(rootKey, 'backup', backend)

function* rowsOf(count: number, size: number): Generator<BackupRow> {
  const value = new Uint8Array(size)
  for (let i = 0; i < count; i++) {
    const key = `e/app/${String(i).padStart(8, '0')}`
    yield { key, value, createRevision: 1, modifyRevision: 1 }
  }
}

const write = (count: number, size: number) =>
  writeBackup({
    seal: header,
    backupKey,
    generation: '0'.repeat(32),
    revision: 1,
    createdAtMs: 1,
    meta: {},
    rows: rowsOf(count, size),
    backend,
  })

for (const [label, count, size] of [
  ['100,000 rows of 300 B', 100_000, 300],
  ['16 rows of 1 MiB', 16, 1_048_576],
] as const) {
  const pieces: Uint8Array[] = []
  for await (const piece of write(count, size)) pieces.push(piece)
  const { rows } = await verifyBackup(await openBackupWithKey(pieces, backupKey, { backend }))
  if (rows !== count) throw new Error('the backup does not hold what was written')

  describe(label, () => {
    bench('write', async () => {
      for await (const _ of write(count, size)) {
        // What takes the pieces is not measured.
      }
    })
    bench('verify', async () => {
      await verifyBackup(await openBackupWithKey(pieces, backupKey, { backend }))
    })
  })
}
