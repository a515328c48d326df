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
  writeFormat,
} from './directory.ts'
import { isStorageError, StorageError } from './errors.ts'
import {
  CHANGE_SPACE,
  CHECKPOINT_KEY,
  type ChangeKey,
  changeKey,
  DATA_SPACE,
  decodeChange,
  decodeHead,
  encodeHead,
  HEAD_KEY,
  type Head,
  TRIMMED_KEY,
} from './layout.ts'
import { fromLevelError, type LevelDatabase, type LevelOpener } from './level-port.ts'
import { readManifest } from './manifest.ts'
import { decodeRow, encodeRow, type StoredRow } from './row-format.ts'
import { inSlices, type Steps } from './slices.ts'
import { checkTables } from './table-check.ts'
import { readWal } from './wal.ts'

export interface OpenStoreOptions {
  readonly directory: string
  readonly expectHeadAtLeast: number
  /** Generation of the store that is being reopened. */
  readonly generation?: string
  readonly blockCacheBytes: number
  readonly writeBufferBytes: number
  readonly crc: Crc32c
  readonly openDatabase: LevelOpener
}

export interface OpenedStore {
  readonly db: LevelDatabase
  readonly head: Head
  /** Change rows up to here have been dropped. */
  readonly trimmed: number
  /** Commits up to here had been verified when the store was opened. */
  readonly checkpoint: number
}

/** Rejects with a StorageError; the directory is then not held open. */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { directory } = options
  await prepareDirectory(directory)
  const format =
    (await readFormat(directory)) ?? (await writeFormat(directory, 'creating', createGeneration()))
  const ready = format.state === 'ready'
  if (options.generation !== undefined && options.generation !== format.generation) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'the store was replaced by another one')
  }
  if (!ready && options.expectHeadAtLeast > 0) throw rolledBack(0, options.expectHeadAtLeast)
  if (ready) await checkFilesUnlocked(options)
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
    const opened = readState(db)
    if (opened.head.generation !== format.generation) {
      throw new StorageError('ERR_STORAGE_CORRUPT', 'FORMAT and database are of different stores')
    }
    if (opened.head.revision < options.expectHeadAtLeast) {
      throw rolledBack(opened.head.revision, options.expectHeadAtLeast)
    }
    await verifyCommits(db, opened)
    return opened
  } catch (error) {
    await db.close().catch(() => {})
    throw error instanceof StorageError ? error : fromLevelError(error)
  }
}

async function checkFilesUnlocked(options: OpenStoreOptions): Promise<void> {
  try {
    await checkFiles(options)
  } catch (error) {
    if (!(await isLocked(options.directory))) throw error
    throw new StorageError(
      'ERR_STORAGE_LOCKED',
      'another process has this store open; one process owns a data directory',
      { cause: error },
    )
  }
}

async function checkFiles({ directory, crc, expectHeadAtLeast }: OpenStoreOptions): Promise<void> {
  const manifest = await readManifest(directory, crc)
  for await (const _ of checkTables(directory, manifest, crc));
  const wal = await readWal(directory, manifest.logNumber, crc)
  // Refused here, the damaged end of the log stays for inspection.
  if (wal.torn !== undefined && wal.head !== undefined && wal.head < expectHeadAtLeast) {
    throw rolledBack(wal.head, expectHeadAtLeast, `; the write-ahead log ends in ${wal.torn}`)
  }
}

function rolledBack(head: number, expected: number, detail = ''): StorageError {
  return new StorageError(
    'ERR_STORAGE_ROLLED_BACK',
    `the store ends at revision ${head}, but revision ${expected} was committed: ` +
      `revisions ${head + 1} to ${expected} are missing${detail}`,
  )
}

async function createHead(db: LevelDatabase, generation: string): Promise<void> {
  if (db.getSync(HEAD_KEY) !== undefined) return
  const head: Head = { revision: 0, generation, rows: 0, rowSum: 0 }
  const { bytes } = encodeRow(HEAD_KEY, HEAD_KEY, encodeHead(head), 0, 0, undefined)
  await db.write([{ type: 'put', key: HEAD_KEY, value: bytes }])
}

function readState(db: LevelDatabase): OpenedStore {
  const row = readEngineRow(db, HEAD_KEY)
  if (row === undefined) throw new StorageError('ERR_STORAGE_CORRUPT', 'the head row is missing')
  return {
    db,
    head: decodeHead(row.value, row.modifyRevision),
    trimmed: readEngineRow(db, TRIMMED_KEY)?.modifyRevision ?? 0,
    checkpoint: readEngineRow(db, CHECKPOINT_KEY)?.modifyRevision ?? 0,
  }
}

function readEngineRow(db: LevelDatabase, key: string): StoredRow | undefined {
  const bytes = db.getSync(key)
  return bytes === undefined ? undefined : decodeRow(key, key, bytes, undefined)
}

/** Commits per turn of the event loop are bounded by LevelDB's pages. */
const PAGE = 256
/** Keys, from the last commit back, that are compared at open: a start must not take longer the longer it has run. */
const COMPARED_KEYS = 20_000

/**
 * Every commit after the checkpoint must have its change row, and the keys of the last commits must be as the last one
 * that names them has left them. Scrubs compare the rest, by number and sum of all rows.
 */
async function verifyCommits(db: LevelDatabase, opened: OpenedStore): Promise<void> {
  const { head, trimmed, checkpoint } = opened
  if (checkpoint > head.revision || trimmed > head.revision) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'the head is behind the checkpoint')
  }
  const from = Math.max(checkpoint, trimmed)
  const seen = new Set<string>()
  let expected = head.revision
  const iterator = db.iterator({
    gt: changeKey(from),
    lt: String.fromCharCode(CHANGE_SPACE.charCodeAt(0) + 1),
    reverse: true,
  })
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE)
      if (page.length === 0) break
      for (const [key, bytes] of page) {
        const row = decodeRow(key, key, bytes, undefined)
        const revision = row.modifyRevision
        if (key !== changeKey(revision)) throw missing(expected)
        if (revision !== expected) throw missing(expected)
        if (seen.size < COMPARED_KEYS) {
          const { keys } = await inSlices(decodeChange(row.value))
          await inSlices(verifyKeys(db, keys, revision, seen))
        }
        expected--
      }
    }
  } finally {
    await iterator.close()
  }
  if (expected !== from) throw missing(expected)
}

function* verifyKeys(
  db: LevelDatabase,
  keys: readonly ChangeKey[],
  revision: number,
  seen: Set<string>,
): Steps<void> {
  for (const { key, put } of keys) {
    if (seen.size >= COMPARED_KEYS) return
    if (seen.has(key)) continue
    seen.add(key)
    verifyKey(db, key, put, revision)
    yield
  }
}

function verifyKey(db: LevelDatabase, key: string, put: boolean, revision: number): void {
  const storageKey = DATA_SPACE + key
  const bytes = db.getSync(storageKey)
  const row = bytes === undefined ? undefined : decodeRow(storageKey, key, bytes, undefined)
  if (put ? row?.modifyRevision === revision : row === undefined) return
  throw new StorageError(
    'ERR_STORAGE_CORRUPT',
    `row ${JSON.stringify(key)} is not as revision ${revision} left it`,
  )
}

function missing(revision: number): StorageError {
  return new StorageError(
    'ERR_STORAGE_CORRUPT',
    `the change row of revision ${revision} is missing or out of place`,
  )
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
