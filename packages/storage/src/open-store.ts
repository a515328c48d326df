/**
 * Opening a LevelDB store so that damage cannot pass for data (DESIGN §5): the files are checked
 * before LevelDB sees them, because it replays and then deletes its logs, and the commits since
 * the last verified open are checked after.
 */
import type { Crc32c } from './crc32c.ts'
import {
  closeModes,
  createGeneration,
  isLocked,
  prepareDirectory,
  readFormat,
  STORE_FORMAT,
  type StoreFormat,
  writeFormat,
} from './directory.ts'
import { isStorageError, StorageError, StoreFormatError } from './errors.ts'
import { encodeHeadRow, type Head, newHead, readHead } from './head-row.ts'
import {
  CHANGE_SPACE,
  CHECKPOINT_KEY,
  DATA_END,
  DATA_SPACE,
  HEAD_KEY,
  TRIMMED_KEY,
} from './layout.ts'
import { fromLevelError, type LevelDatabase, type LevelOpener } from './level-port.ts'
import { readManifest } from './manifest.ts'
import { decodeRow, type StoredRow } from './row-format.ts'
import type { StoreCheck } from './store-check.ts'
import { checkTables } from './table-check.ts'
import { type CommitMarks, verifyCommits } from './verify-commits.ts'
import { readWal } from './wal.ts'

export interface OpenStoreOptions {
  readonly directory: string
  readonly expectHeadAtLeast: number
  /** Generation of the store that is being reopened. */
  readonly generation?: string
  /** Check that its head must have been written under. */
  readonly check?: StoreCheck | undefined
  readonly blockCacheBytes: number
  readonly writeBufferBytes: number
  readonly crc: Crc32c
  readonly openDatabase: LevelOpener
}

export interface OpenedStore extends CommitMarks {
  readonly db: LevelDatabase
  readonly head: Head
}

/** Rejects with a StorageError; the directory is then not held open. */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { directory } = options
  await prepareDirectory(directory)
  const format =
    (await readFormat(directory)) ?? (await writeFormat(directory, 'creating', createGeneration()))
  assertComplete(format)
  const ready = format.state === 'ready'
  if (options.generation !== undefined && options.generation !== format.generation) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'the store was replaced by another one')
  }
  if (!ready && options.expectHeadAtLeast > 0) throw rolledBack(0, options.expectHeadAtLeast)
  if (ready) await checkFiles(options)
  const db = await options.openDatabase(directory, {
    createIfMissing: !ready,
    blockCacheBytes: options.blockCacheBytes,
    writeBufferBytes: options.writeBufferBytes,
  })
  try {
    await closeModes(directory)
    if (!ready) {
      await createHead(db, format.generation)
      await writeFormat(directory, 'ready', format.generation)
    }
    const opened = readState(db, options.check)
    const { head } = opened
    if (head.generation !== format.generation) throw mixed()
    if (head.revision < options.expectHeadAtLeast) {
      throw rolledBack(head.revision, options.expectHeadAtLeast)
    }
    if (head.revision === 0) await assertNoRows(db)
    await verifyCommits(db, head.revision, opened)
    return opened
  } catch (error) {
    await db.close().catch(() => {})
    throw error instanceof StorageError ? error : fromLevelError(error)
  }
}

/** A creation that was interrupted is finished, whatever format it was of: nothing was committed in it. */
export function assertComplete({ format, state }: StoreFormat): void {
  if (state === 'loading') {
    throw new StorageError(
      'ERR_STORAGE_UNAVAILABLE',
      'a restore into this directory was not finished; run it again',
    )
  }
  if (state === 'ready' && format !== STORE_FORMAT) throw new StoreFormatError(format, STORE_FORMAT)
}

export function mixed(): StorageError {
  return new StorageError('ERR_STORAGE_CORRUPT', 'FORMAT and database are of different stores')
}

/** Check the files of a store that nobody has open; rejects with a StorageError. */
export async function checkFiles(
  options: Pick<OpenStoreOptions, 'directory' | 'crc' | 'expectHeadAtLeast'>,
): Promise<void> {
  try {
    await checkClosedFiles(options)
  } catch (error) {
    if (!(await isLocked(options.directory))) throw error
    throw new StorageError(
      'ERR_STORAGE_LOCKED',
      'another process has this store open; one process owns a data directory',
      { cause: error },
    )
  }
}

async function checkClosedFiles({
  directory,
  crc,
  expectHeadAtLeast,
}: Pick<OpenStoreOptions, 'directory' | 'crc' | 'expectHeadAtLeast'>): Promise<void> {
  const manifest = await readManifest(directory, crc)
  for await (const _ of checkTables(directory, manifest, crc));
  const wal = await readWal(directory, manifest.logNumber, crc)
  // Refused here, the damaged end of the log stays for inspection.
  if (wal.torn !== undefined && wal.head !== undefined && wal.head < expectHeadAtLeast) {
    throw rolledBack(wal.head, expectHeadAtLeast, `; the write-ahead log ends in ${wal.torn}`)
  }
}

export function rolledBack(head: number, expected: number, detail = ''): StorageError {
  return new StorageError(
    'ERR_STORAGE_ROLLED_BACK',
    `the store ends at revision ${head}, but revision ${expected} was committed: ` +
      `revisions ${head + 1} to ${expected} are missing${detail}`,
  )
}

async function createHead(db: LevelDatabase, generation: string): Promise<void> {
  await assertNoRows(db)
  const value = encodeHeadRow(newHead(generation), undefined)
  await db.write([{ type: 'put', key: HEAD_KEY, value }])
}

/** A head at revision 0 stands for a store in which nothing was ever committed. */
async function assertNoRows(db: LevelDatabase): Promise<void> {
  for (const range of [
    { gte: CHANGE_SPACE, lt: DATA_SPACE, limit: 1 },
    { gte: DATA_SPACE, lt: DATA_END, limit: 1 },
  ]) {
    const iterator = db.iterator(range)
    try {
      if ((await iterator.nextv(1)).length === 0) continue
    } finally {
      await iterator.close()
    }
    throw new StorageError('ERR_STORAGE_CORRUPT', 'there are rows that no commit has written')
  }
}

function readState(db: LevelDatabase, check: StoreCheck | undefined): OpenedStore {
  return { db, head: readHead(db, check), ...readMarks(db) }
}

/** What is known of a store's change rows. */
export function readMarks(db: LevelDatabase): CommitMarks {
  return {
    trimmed: readEngineRow(db, TRIMMED_KEY)?.modifyRevision ?? 0,
    checkpoint: readEngineRow(db, CHECKPOINT_KEY)?.modifyRevision ?? 0,
  }
}

function readEngineRow(db: LevelDatabase, key: string): StoredRow | undefined {
  const bytes = db.getSync(key)
  return bytes === undefined ? undefined : decodeRow(key, key, bytes, undefined)
}

/** What the logs say about a commit whose write failed, without opening the database. */
export async function isCommitAbsent(
  directory: string,
  revision: number,
  crc: Crc32c,
): Promise<boolean> {
  try {
    const manifest = await readManifest(directory, crc)
    const wal = await readWal(directory, manifest.logNumber, crc)
    return wal.head === undefined || wal.head < revision
  } catch (error) {
    if (isStorageError(error) || error instanceof Error) return false
    throw error
  }
}
