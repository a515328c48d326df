/** `secregd migrate`: brings a store to the format of this version, after a copy of it was made (DESIGN §5). */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Credential, type SealHeader, wipe } from '@secreg/crypto'
import { createScryptPool } from '@secreg/crypto/node'
import { undoOnSignal } from '@secreg/host/terminal'
import { SecregError } from '@secreg/protocol'
import { decodeHeader, openWith, rowCheckOf, SEAL_KEY } from '@secreg/registry/restore'
import {
  inspectStore,
  migrateStore,
  type RowCheck,
  STORE_FORMAT,
  type StoreMigration,
} from '@secreg/storage'
import { load } from '../load-config.ts'
import { giveTo, makeEmpty, timestamp } from './beside.ts'
import { copyStore } from './copy-store.ts'
import { asOwner, type Owner, ownerOf } from './owner.ts'
import type { SecretSource } from './secret-source.ts'

export interface MigrateOptions {
  readonly config: string
  /** Verify that it can be migrated, on a copy. */
  readonly dryRun: boolean
  /** Where the copy of a dry run is made. Default that of temporary files. */
  readonly scratch: string | undefined
  readonly secrets: SecretSource
}

/** Finds what opens the seal of a store. */
type FindCredential = (seal: SealHeader) => Promise<Credential>

/**
 * Migrate the store of a configuration. Killed at any moment, a rerun finishes.
 *
 * @returns what to tell the operator
 * @throws SecregError, StorageError, CryptoError, HostError, ConfigError
 */
export async function migrate(options: MigrateOptions): Promise<string> {
  const { config } = load(options.config)
  const { path } = config.database
  const found = await formatOf(path)
  if (found === STORE_FORMAT) return `${path} has format ${STORE_FORMAT} already; nothing to do`
  const find: FindCredential = (seal) => options.secrets.credential(seal, config)
  const owner = ownerOf(path)
  if (options.dryRun) {
    const { to, rows } = await tryOnCopy(path, owner, options.scratch ?? tmpdir(), find)
    return `${path} can be migrated from format ${found} to ${to}: ${rows} rows verified; nothing was changed`
  }
  const { to, rows, copy } = await migrateAt(path, owner, found, find)
  return [
    `${path} is migrated from format ${found} to ${to}: ${rows} rows verified`,
    `the store of before is in ${copy}; remove it when you are content`,
  ].join('\n')
}

/**
 * Migrate a development home, without a question.
 *
 * @returns whether there was something to do
 */
export async function migrateHome(path: string, credential: Credential): Promise<boolean> {
  const format = existsSync(path) ? await inspectStore(path) : undefined
  if (format === undefined || format.format >= STORE_FORMAT) return false
  await migrateAt(path, ownerOf(path), format.format, async () => credential)
  return true
}

async function migrateAt(
  path: string,
  owner: Owner,
  found: number,
  find: FindCredential,
): Promise<StoreMigration & { readonly copy: string }> {
  const copy = `${path}.format-${found}-${timestamp()}`
  const partial = `${path}.copying`
  makeEmpty(partial, owner)
  await asOwner(owner, () => copyStore(path, partial))
  renameSync(partial, copy)
  const migration = await asOwner(owner, () => migrateStore(path, { check: checkBy(find) }))
  return { ...migration, copy }
}

/** LevelDB writes to whatever it opens, so a dry run is a run on a copy. */
function tryOnCopy(
  path: string,
  owner: Owner,
  scratch: string,
  find: FindCredential,
): Promise<StoreMigration> {
  const home = mkdtempSync(join(scratch, 'secreg-migrate-'))
  const copy = join(home, 'data')
  const remove = (): void => rmSync(home, { recursive: true, force: true })
  return undoOnSignal(remove, async () => {
    try {
      giveTo(home, owner)
      makeEmpty(copy, owner)
      return await asOwner(owner, async () => {
        await copyStore(path, copy)
        return await migrateStore(copy, { check: checkBy(find) })
      })
    } finally {
      remove()
    }
  })
}

/** The check that the rows of a store carry tags of, found with the seal header that is one of them. */
function checkBy(find: FindCredential) {
  return async (
    read: (key: string) => { readonly value: Uint8Array } | undefined,
  ): Promise<RowCheck | undefined> => {
    const row = read(SEAL_KEY)
    // A store that was never initialised has no keys.
    if (row === undefined) return undefined
    const header = decodeHeader(row)
    const scrypt = createScryptPool()
    try {
      const credential = await find(header)
      const { rootKey } = await openWith(header, [credential], {
        scrypt: scrypt.scrypt,
        use: 'all',
      })
      try {
        return rowCheckOf(rootKey)
      } finally {
        wipe(rootKey)
      }
    } finally {
      await scrypt.close()
    }
  }
}

async function formatOf(path: string): Promise<number> {
  const format = await inspectStore(path)
  if (format === undefined) throw new SecregError('NOT_FOUND', `there is no store in ${path}`)
  return format.format
}
