import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openBackup, readBackupHeader, verifyBackup, writeBackup } from '@secreg/backup'
import { createSeal, deriveSubkey, portableSeal } from '@secreg/crypto'
import { nodeBackend as backend, createScryptPool } from '@secreg/crypto/node'

const pool = createScryptPool()
const options = { backend, scrypt: pool.scrypt }
const directory = mkdtempSync(join(tmpdir(), 'example-'))
const path = join(directory, 'store.backup')

// What a store has: the seal of its root key, and rows in the order of their keys.
const passphrase = 'correct horse battery staple'
const { header, rootKey } = await createSeal([{ kind: 'passphrase', passphrase }], options)
const value = new TextEncoder().encode('8080')
const rows = [{ key: 'e/app/port', value, createRevision: 1, modifyRevision: 7 }]

// Write. What works on this host only does not travel; the pieces are made as the file takes them.
const file = writeBackup({
  seal: portableSeal(header, deriveSubkey(rootKey, 'seal-header'), { backend }),
  backupKey: deriveSubkey(rootKey, 'backup'),
  generation: '4d0a6f7be1b94c1c8f6d5a3e2b1c0d9e',
  revision: 7,
  createdAtMs: Date.now(),
  meta: { software: '0.1.0' },
  rows,
  backend,
})
await pipeline(file, createWriteStream(path, { mode: 0o600, flags: 'wx' }))

// Look at it without a secret, then verify all of it with one.
const { id, revision } = await readBackupHeader(createReadStream(path), { backend })
const opened = await openBackup(createReadStream(path), { kind: 'passphrase', passphrase }, options)
opened.rootKey.fill(0)
export const report = await verifyBackup(opened)
export const isSame: boolean = report.id === id && report.revision === revision

rootKey.fill(0)
rmSync(directory, { recursive: true })
await pool.close()
