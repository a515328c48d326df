/** `secregd restore --drill`: restores a backup into a scratch home, opens it as the daemon would, and removes it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@secreg/host'
import { undoOnSignal } from '@secreg/host/terminal'
import { SecregError } from '@secreg/protocol'
import { restoredRevision } from '@secreg/registry/restore'
import { proofOf } from './given-proof.ts'
import { loadBackup, readHeader } from './load-backup.ts'
import { withRegistry } from './open-offline.ts'
import { operator } from './operator.ts'
import { resultOf } from './restore.ts'
import type { SecretSource } from './secret-source.ts'

export interface DrillOptions {
  /** File with the backup. */
  readonly backup: string
  /** Where the scratch home is made; plain values are in the clear there. Default that of temporary files. */
  readonly scratch: string | undefined
  readonly secrets: SecretSource
}

/**
 * Show that a backup can be restored.
 *
 * @returns what to tell the operator
 * @throws SecregError `ERR_STORAGE_CORRUPT` when something in it cannot be read, and as a restore
 */
export async function drill(options: DrillOptions): Promise<string> {
  await using file = await open(options.backup, 'r')
  const header = await readHeader(file)
  const credential = await options.secrets.credential(header.seal)
  const home = mkdtempSync(join(options.scratch ?? tmpdir(), 'secreg-drill-'))
  const remove = (): void => rmSync(home, { recursive: true, force: true })
  return await undoOnSignal(remove, async () => {
    try {
      const data = join(home, 'data')
      mkdirSync(data, { mode: 0o700 })
      const report = await loadBackup({
        file,
        proof: proofOf(credential),
        directory: data,
        revision: restoredRevision(header.revision),
        caller: operator('secregd restore --drill'),
      })
      const result = resultOf(header, report).join('\n')
      if (report.unreadable > 0 || report.findings.length > 0) {
        throw new SecregError('STORAGE_CORRUPT', `the backup is not whole\n${result}`)
      }
      const text = `[database]\npath = ${JSON.stringify(data)}\n[audit]\npath = ${JSON.stringify(join(home, 'audit'))}\n`
      const { config } = parseConfig(text, 'drill')
      await withRegistry(config, async ({ registry }) => {
        await registry.unlock({ door: 'internal', address: 'drill' }, credential, 'all')
      })
      return `${result}\nit can be restored: everything was read, and the restored registry unlocks`
    } finally {
      remove()
    }
  })
}
