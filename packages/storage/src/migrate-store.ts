/**
 * Brings a store of format 1 to format 2. Format 1 is as format 2, but its head row carries no tag, and the head's value
 * ends before the sums of tags, after 28 bytes.
 *
 * Two steps change the store: the new head in one synced write, then FORMAT. A store that was left between them says
 * that it has format 1 and has the new head; the next migration verifies it and takes the second step.
 */
import {
  closeModes,
  inspectStore,
  prepareDirectory,
  STORE_FORMAT,
  writeFormat,
} from './directory.ts'
import { DEFAULT_LIMITS, type MaybePromise, type Row, type RowCheck } from './engine.ts'
import { StorageError } from './errors.ts'
import { notChecked } from './guarded-rows.ts'
import { decodeHeadRow, encodeHeadRow, type Head, newHead, ROW_SUM_MODULUS } from './head-row.ts'
import { assertKey } from './keys.ts'
import { DATA_SPACE, HEAD_KEY } from './layout.ts'
import { type LevelEngineOptions, type LevelSettings, resolveSettings } from './level-options.ts'
import { fromLevelError, type LevelDatabase } from './level-port.ts'
import { levelRange } from './level-rows.ts'
import { assertComplete, checkFiles, mixed, readMarks, rolledBack } from './open-store.ts'
import { decodeRow, isTagged, StoredRow } from './row-format.ts'
import { UNNAMED } from './stale-rows.ts'
import { StoreCheck, type TagSums } from './store-check.ts'
import { removeCopy, withCopy } from './store-copy.ts'
import { verifyCommits } from './verify-commits.ts'

/** Reads a row of the store that is migrated; nothing but its CRC is verified. */
export type ReadUnverified = (key: string) => Row | undefined

export interface MigrateStoreOptions
  extends Pick<LevelEngineOptions, 'expectHeadAtLeast' | 'openDatabase'> {
  /**
   * Check that the store's rows carry tags of, or how to find it with the help of those rows; undefined for a store
   * whose rows carry none.
   */
  readonly check:
    | RowCheck
    | undefined
    | ((read: ReadUnverified) => MaybePromise<RowCheck | undefined>)
  /** Verify everything, and leave the store's files as they are. Default false. */
  readonly dryRun?: boolean
  /** Stops the verification; nothing has been changed then. */
  readonly signal?: AbortSignal
}

export interface StoreMigration {
  /** Format of the store before. */
  readonly from: number
  /** Format after, or in a dry run the one that it would have. */
  readonly to: number
  readonly rows: number
}

const FORMAT_1_HEAD_BYTES = 28
const PAGE = 128

/**
 * Verify a store of an older format as far as that format goes (files, tags, number and sum of rows), and bring it to
 * {@link STORE_FORMAT}. One that has this format already is verified and left. May be killed at any moment and run
 * again.
 *
 * A store that somebody has taken back to format 1 cannot be told from one that was never migrated: migrate once, after
 * an update, from a place that is trusted.
 *
 * @throws StorageError ERR_STORAGE_FORMAT when there is no store, or one of a newer format; ERR_STORAGE_CORRUPT when it
 *   is not sound; ERR_STORAGE_UNAVAILABLE when rows carry tags and no check was given; and as `LevelEngine.open`
 */
export async function migrateStore(
  directory: string,
  options: MigrateStoreOptions,
): Promise<StoreMigration> {
  const { dryRun = false, openDatabase, expectHeadAtLeast = 0 } = options
  const settings = await resolveSettings(directory, {
    expectHeadAtLeast,
    ...(openDatabase === undefined ? {} : { openDatabase }),
  })
  const format = await inspectStore(settings.directory)
  if (format === undefined) {
    throw new StorageError('ERR_STORAGE_FORMAT', `there is no store in ${settings.directory}`)
  }
  await prepareDirectory(settings.directory)
  assertComplete({ ...format, format: STORE_FORMAT })
  const migration = { from: format.format, to: STORE_FORMAT }
  // The first open makes it, in the format of this version.
  if (format.state === 'creating') return { ...migration, rows: 0 }
  if (dryRun) {
    const rows = await withCopy(settings.directory, (copy) =>
      migrate({ ...settings, directory: copy }, format.generation, options, false),
    )
    return { ...migration, rows }
  }
  await removeCopy(settings.directory)
  const rows = await migrate(settings, format.generation, options, true)
  await closeModes(settings.directory)
  if (format.format !== STORE_FORMAT) {
    await writeFormat(settings.directory, 'ready', format.generation)
  }
  return { ...migration, rows }
}

/** @returns the number of rows */
async function migrate(
  settings: LevelSettings,
  generation: string,
  options: MigrateStoreOptions,
  write: boolean,
): Promise<number> {
  await checkFiles(settings)
  const db = await settings.openDatabase(settings.directory, {
    createIfMissing: false,
    blockCacheBytes: settings.blockCacheBytes,
    writeBufferBytes: settings.writeBufferBytes,
  })
  try {
    const { check: given, signal } = options
    const found = typeof given === 'function' ? await given(reader(db)) : given
    const check = found && new StoreCheck(found, generation)
    const { head, isOld } = await verify({ ...settings, db, generation, check, signal })
    if (isOld && write) {
      await translated(
        db.write([{ type: 'put', key: HEAD_KEY, value: encodeHeadRow(head, check) }]),
      )
    }
    await translated(db.close())
    return head.rows
  } catch (error) {
    await db.close().catch(() => {})
    throw error
  }
}

function reader(db: LevelDatabase): ReadUnverified {
  return (key) => {
    assertKey(key, DEFAULT_LIMITS.maxKeyBytes)
    const bytes = db.getSync(DATA_SPACE + key)
    return bytes && decodeRow(DATA_SPACE + key, key, bytes, undefined)
  }
}

interface Unverified {
  readonly db: LevelDatabase
  readonly generation: string
  readonly check: StoreCheck | undefined
  readonly expectHeadAtLeast: number
  readonly signal: AbortSignal | undefined
}

/** @returns the head as format 2 has it, and whether the store has one of format 1 */
async function verify(store: Unverified): Promise<{ head: Head; isOld: boolean }> {
  const { db, generation, check, expectHeadAtLeast } = store
  const { stored, isOld } = await translated(readStoredHead(db, check))
  const { revision } = stored
  if (stored.generation !== generation) throw mixed()
  if (revision < expectHeadAtLeast) throw rolledBack(revision, expectHeadAtLeast)
  await translated(verifyCommits(db, revision, readMarks(db)))
  const sums = check?.start()
  const { rows, rowSum } = await addUp(store, revision, sums)
  if (!isOld && sums !== undefined) {
    const { all, guarded } = sums.compare(stored)
    if (!all || !guarded) throw corrupt(UNNAMED)
  }
  if (rows !== stored.rows || rowSum !== stored.rowSum) {
    throw corrupt(`found ${rows} rows, expected ${stored.rows}, or some are stale or exchanged`)
  }
  if (!isOld) return { head: stored, isOld }
  const sealed = sums?.seal(revision) ?? stored.sums
  return { head: { ...stored, sums: sealed, keyed: check !== undefined }, isOld }
}

async function readStoredHead(
  db: LevelDatabase,
  check: StoreCheck | undefined,
): Promise<{ stored: Head; isOld: boolean }> {
  const bytes = db.getSync(HEAD_KEY)
  if (bytes === undefined) throw corrupt('the head row is missing')
  const { value, modifyRevision } = decodeRow(HEAD_KEY, HEAD_KEY, bytes, undefined)
  if (value.length !== FORMAT_1_HEAD_BYTES) {
    if (check === undefined && isTagged(bytes)) throw notChecked()
    return { stored: decodeHeadRow(bytes, check), isOld: false }
  }
  const view = Buffer.from(value.buffer, value.byteOffset, value.length)
  const stored: Head = {
    ...newHead(view.toString('hex', 0, 16)),
    revision: modifyRevision,
    rows: view.readUIntBE(16, 6),
    rowSum: view.readUIntBE(22, 6),
  }
  return { stored, isOld: true }
}

/** Verify each data row, and add all of them up. */
async function addUp(
  { db, check, signal }: Unverified,
  head: number,
  sums: TagSums | undefined,
): Promise<{ rows: number; rowSum: number }> {
  let rows = 0
  let rowSum = 0
  const iterator = db.iterator(levelRange({}))
  try {
    for (;;) {
      signal?.throwIfAborted()
      const page = await translated(iterator.nextv(PAGE))
      if (page.length === 0) return { rows, rowSum }
      for (const [storageKey, bytes] of page) {
        const key = storageKey.slice(DATA_SPACE.length)
        const row = decodeRow(storageKey, key, bytes, check?.rows)
        if (check === undefined && isTagged(bytes)) throw notChecked()
        if (row.modifyRevision > head) {
          throw corrupt(`row ${JSON.stringify(key)} is newer than the head`)
        }
        rows++
        rowSum = (rowSum + StoredRow.crcOf(row)) % ROW_SUM_MODULUS
        sums?.add(key, row)
      }
    }
  } finally {
    await iterator.close()
  }
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof TypeError ? error : fromLevelError(error)
  }
}

function corrupt(detail: string): StorageError {
  return new StorageError('ERR_STORAGE_CORRUPT', detail)
}
