import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSigner, openLog, verifyDirectory } from '@secreg/audit'

const home = await mkdtemp(join(tmpdir(), 'log-'))
const directory = join(home, 'audit')
const log = await openLog({ directory })

// Written: survives the death of the process when append returns.
const body = JSON.stringify({ user: 'alice', action: 'read', path: '/app/db/host' })
log.append([{ timeMs: Date.now(), body }])

// Synced: survives a loss of power. Keep the cursor, and open with it the next time.
const cursor = await log.sync()

// Signed: keep the checkpoint elsewhere, and nobody can take back what it covers.
const signer = createSigner(randomBytes(32), 'example.org/audit')
await log.evidence.handOver(signer)
export const checkpoint = await log.evidence.checkpoint(signer)

export const users: unknown[] = []
for await (const record of log.query({ match: ({ body }) => hasUser(body, 'alice') })) {
  users.push(record.body)
}
await log.close()

// All it takes is the files and a public key.
export const result = await verifyDirectory(directory, {
  keys: [signer.vkey],
  outside: [checkpoint],
  known: [cursor],
})
await rm(home, { recursive: true })

function hasUser(value: unknown, user: string): boolean {
  return (value as { user?: unknown }).user === user
}
