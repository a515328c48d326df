/** `secregd restore`: a whole registry from a backup, while no daemon runs (DESIGN §6). */
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AuditError, openLog } from '@secreg/audit'
import type { Config } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { restoredRevision, type StoreReport } from '@secreg/registry/restore'
import { inspectStore, isStorageError, LevelEngine } from '@secreg/storage'
import { load } from '../load-config.ts'
import { finishReplacement, replaceStore } from '../replacement.ts'
import { makeEmpty, timestamp } from './beside.ts'
import { proofOf } from './given-proof.ts'
import { type BackupHeader, loadBackup, readHeader } from './load-backup.ts'
import { operator } from './operator.ts'
import { asOwner, ownerOf } from './owner.ts'
import type { SecretSource } from './secret-source.ts'

export interface RestoreOptions {
  readonly config: string
  /** File with the backup. */
  readonly backup: string
  /** Move a store that is there aside. */
  readonly force: boolean
  /** Move the audit log that is there aside too, instead of going on with it. */
  readonly newLog: boolean
  readonly secrets: SecretSource
}

/**
 * Restore a registry. The store that was there is kept aside; killed at any moment, there is the old one or the new one,
 * and a rerun finishes.
 *
 * @returns what to tell the operator
 * @throws SecregError, StorageError, AuditError, HostError, ConfigError
 */
export async function restore(options: RestoreOptions): Promise<string> {
  const { config } = load(options.config)
  const path = config.database.path
  await using file = await open(options.backup, 'r')
  const header = await readHeader(file)
  if (finishReplacement(path)?.reason === reasonOf(header)) {
    return `the restore of backup ${header.id}, which had been interrupted, is finished; start secregd`
  }
  const owner = ownerOf(path)
  const incoming = `${path}.incoming`
  const known = await asOwner(owner, () => revisionOf(path, options.force))
  const logged = await asOwner(owner, () => loggedRevision(config, options.newLog))
  makeEmpty(incoming, owner)
  const proof = proofOf(await options.secrets.credential(header.seal, config))
  const report = await asOwner(owner, () =>
    loadBackup({
      file,
      proof,
      directory: incoming,
      revision: restoredRevision(header.revision, known, logged),
      caller: operator('secregd restore'),
    }),
  )
  // Whoever started a daemon meanwhile has the old store open.
  await asOwner(owner, () => revisionOf(path, options.force))
  const aside = `${basename(path)}.replaced-${timestamp()}`
  replaceStore(path, { reason: reasonOf(header), incoming: basename(incoming), aside })
  // Not before: until then, the old store needs it.
  if (options.newLog) moveLogAside(config)
  return [
    ...resultOf(header, report),
    ...(existsSync(join(dirname(path), aside))
      ? [`the store of before is in ${join(dirname(path), aside)}`]
      : []),
    ...(owner.uid === 0
      ? [`${path} belongs to root; give it to the user of secregd: chown -R USER ${path}`]
      : []),
    'start secregd; the restore is recorded then',
  ].join('\n')
}

/** What a restore or its drill has found, line by line. */
export function resultOf(
  { id, revision, createdAtMs }: BackupHeader,
  { entries, versions, sealed, unreadable, paths, findings }: StoreReport,
): string[] {
  return [
    `backup ${id} of ${new Date(createdAtMs).toISOString()}, revision ${revision}`,
    `${entries} entries with ${versions} versions, ${sealed} of them opened under their keys`,
    ...(unreadable === 0 ? [] : [`${unreadable} versions cannot be read: ${paths.join(', ')}`]),
    ...findings.map(({ kind, subject, detail }) => `damaged: ${kind} ${subject}, ${detail}`),
  ]
}

function reasonOf({ id }: Pick<BackupHeader, 'id'>): string {
  return `restore of backup ${id}`
}

/**
 * Head of the store that is to be replaced; 0 when there is none, or none that can be opened: then the log tells.
 *
 * @throws SecregError `ERR_ALREADY_EXISTS` without `force`, `ERR_BUSY` while a daemon has it open
 */
async function revisionOf(path: string, force: boolean): Promise<number> {
  if (!existsSync(path) || readdirSync(path).length === 0) return 0
  const isStore = await inspectStore(path).then(
    (format) => format !== undefined,
    () => true,
  )
  let head: number | undefined
  try {
    await using engine = await LevelEngine.open(path)
    head = engine.head
  } catch (error) {
    if (isStorageError(error, 'ERR_STORAGE_LOCKED')) {
      throw new SecregError('BUSY', `${path} is in use; stop secregd first`, { cause: error })
    }
  }
  // One that was made by starting the daemon, and never used, is in nobody's way.
  if (head !== 0 && isStore && !force) {
    throw new SecregError(
      'ALREADY_EXISTS',
      `there is a registry in ${path}; --force moves it aside`,
    )
  }
  return head ?? 0
}

/**
 * Last revision that the audit log knows: the restored store goes on above it.
 *
 * @param isLeft - the log is moved aside, so it may be in any state
 */
async function loggedRevision({ audit }: Config, isLeft: boolean): Promise<number> {
  if (!existsSync(audit.path)) return 0
  try {
    const log = await openLog({ directory: audit.path })
    const { revision } = log.tail
    await log.close()
    return revision
  } catch (cause) {
    if (!AuditError.is(cause)) throw cause
    if (isLeft) return 0
    throw new SecregError(
      'AUDIT_FAILED',
      `the audit log in ${audit.path} cannot be gone on with: ${cause.message}; --new-log moves it aside`,
      { cause },
    )
  }
}

function moveLogAside({ audit }: Config): void {
  if (existsSync(audit.path)) renameSync(audit.path, `${audit.path}.replaced-${timestamp()}`)
}
