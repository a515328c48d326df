/** Backups as a client reads them, and what they hold. */
import type { BackupHeader, BackupMeta } from '@secreg/backup'
import type { BackupResponse, RegistryApi } from '@secreg/protocol'
import { openBackupFile } from '@secreg/registry/backup-file'
import { TEST_ADMIN } from '@secreg/registry/testing'
import { fastScrypt } from './fixture.ts'

/** A backup that was read to its end. */
export interface TakenBackup {
  readonly file: Uint8Array
  readonly begun: BackupResponse
}

/** Read one; `between` runs before each piece. */
export async function takeBackup(
  api: RegistryApi,
  between: () => unknown = () => {},
): Promise<TakenBackup> {
  const begun = await api.backup({ op: 'begin' })
  const pieces: Uint8Array[] = []
  for (;;) {
    await between()
    const { data = '', last } = await api.backup({ op: 'read', backup: begun.backup ?? '' })
    pieces.push(Buffer.from(data, 'base64'))
    if (last === true) return { file: Buffer.concat(pieces), begun }
  }
}

/** A row as it is compared. */
export type PlainRow = readonly [key: string, value: string, create: number, modify: number]

export interface ReadBackup {
  readonly header: BackupHeader
  readonly meta: BackupMeta
  readonly rows: readonly PlainRow[]
}

export const plainRow = ({
  key,
  value,
  createRevision,
  modifyRevision,
}: {
  readonly key: string
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modifyRevision: number
}): PlainRow => [key, Buffer.from(value).toString('base64'), createRevision, modifyRevision]

/** Everything that a file holds, opened with the passphrase of the tests. */
export async function readBackup(
  file: Uint8Array,
  passphrase: string = TEST_ADMIN.passphrase,
): Promise<ReadBackup> {
  await using backup = await openBackupFile(() => [file], { passphrase }, fastScrypt)
  const rows: PlainRow[] = []
  for await (const row of backup.rows()) rows.push(plainRow(row))
  return { header: backup.header, meta: backup.meta, rows }
}
