/**
 * Filling a new store with rows from elsewhere, as a restore does. FORMAT says "loading" until everything is synced: a
 * store that was not loaded to the end is refused by every open, and emptied by the next load into the same directory.
 */
import { assertRevision } from './batch.ts'
import {
  closeModes,
  createGeneration,
  prepareDirectory,
  readFormat,
  type StoreFormat,
  writeFormat,
} from './directory.ts'
import { DEFAULT_LIMITS, type KeyedRow, type RowCheck } from './engine.ts'
import { StorageError } from './errors.ts'
import { encodeHeadRow, type Head, ROW_SUM_MODULUS } from './head-row.ts'
import { assertKey, compareKeys } from './keys.ts'
import { CHECKPOINT_KEY, DATA_SPACE, HEAD_KEY, TRIMMED_KEY } from './layout.ts'
import { LEVEL_ENGINE_DEFAULTS } from './level-options.ts'
import {
  destroyLevel,
  fromLevelError,
  type LevelBatch,
  type LevelDatabase,
  type LevelOpener,
  openLevel,
} from './level-port.ts'
import { metaRow } from './level-rows.ts'
import { encodeRow, StoredRow, scratchMemory } from './row-format.ts'
import { Pace } from './slices.ts'
import { StoreCheck, type TagSums } from './store-check.ts'

export interface LoadStoreOptions {
  /** In any order, fastest in the order of their keys; each is read before the next is asked for. */
  readonly rows: AsyncIterable<KeyedRow>
  /** Head of the store; no row may be newer. */
  readonly revision: number
  /** Check that the store is set up under from its first row on. */
  readonly check: RowCheck
  /** 32 hex digits; default random, as a restore must have it. */
  readonly generation?: string
  /** Stops the load; what is there then is like a load that was killed. */
  readonly signal?: AbortSignal
  /** Called after each write with the rows so far. */
  readonly onProgress?: (rows: number) => void
  /** For tests: puts faults between the load and LevelDB. */
  readonly openDatabase?: LevelOpener
}

export interface LoadedStore {
  readonly generation: string
  readonly rows: number
}

/** Bytes and rows that are written and synced at once. */
const BATCH_BYTES = 1024 * 1024
const BATCH_ROWS = 4096

/**
 * Make a store of the given rows in a directory that is new, empty, or left by a load that did not finish. Rows keep
 * their create and modify revisions; there are no change rows up to `revision`. In slices, with little memory.
 *
 * @throws TypeError on a row that no engine takes, or two of one key
 * @throws RangeError on a revision that is none, or above that of the store
 * @throws StorageError ERR_STORAGE_FORMAT when the directory is not empty, and as `LevelEngine.open`
 */
export async function loadStore(
  directory: string,
  options: LoadStoreOptions,
): Promise<LoadedStore> {
  const { revision, generation = createGeneration(), openDatabase = openLevel } = options
  assertRevision(revision, 'revision')
  if (!/^[0-9a-f]{32}$/.test(generation)) throw new TypeError('generation: expected 32 hex digits')
  await prepareDirectory(directory)
  await empty(directory, await readFormat(directory))
  await writeFormat(directory, 'loading', generation)
  const db = await openDatabase(directory, {
    createIfMissing: true,
    blockCacheBytes: 0,
    writeBufferBytes: LEVEL_ENGINE_DEFAULTS.writeBufferBytes,
  })
  let rows: number
  try {
    await closeModes(directory)
    rows = await new Load(db, options, new StoreCheck(options.check, generation)).run()
  } catch (error) {
    await db.close().catch(() => {})
    throw error
  }
  await db.close().catch((error: unknown) => {
    throw fromLevelError(error)
  })
  await closeModes(directory)
  await writeFormat(directory, 'ready', generation)
  return { generation, rows }
}

async function empty(directory: string, format: StoreFormat | undefined): Promise<void> {
  if (format === undefined) return
  if (format.state !== 'loading') {
    throw new StorageError(
      'ERR_STORAGE_FORMAT',
      `${directory} holds a store already; rows are loaded into a new one only`,
    )
  }
  // LevelDB takes its own lock first, so a load that is still running is not disturbed.
  await destroyLevel(directory)
}

class Load {
  readonly #db: LevelDatabase
  readonly #options: LoadStoreOptions
  readonly #check: StoreCheck
  readonly #sums: TagSums
  readonly #memory = scratchMemory()
  /** Keys of the batch that is put together. */
  readonly #keys = new Set<string>()
  #batch: LevelBatch
  #bytes = 0
  #highest: string | undefined
  #rows = 0
  #rowSum = 0

  constructor(db: LevelDatabase, options: LoadStoreOptions, check: StoreCheck) {
    this.#db = db
    this.#options = options
    this.#check = check
    this.#sums = check.start()
    this.#batch = db.batch()
  }

  /** @returns the number of rows */
  async run(): Promise<number> {
    const { rows, revision, signal } = this.#options
    const pace = new Pace()
    try {
      for await (const row of rows) {
        signal?.throwIfAborted()
        this.#take(row)
        if (this.#bytes >= BATCH_BYTES || this.#keys.size >= BATCH_ROWS) await this.#write()
        if (pace.isDue) await pace.turn()
      }
      signal?.throwIfAborted()
      const head: Head = {
        revision,
        generation: this.#check.generation,
        rows: this.#rows,
        rowSum: this.#rowSum,
        sums: this.#sums.seal(revision),
        keyed: true,
      }
      this.#batch.add({ type: 'put', key: HEAD_KEY, value: encodeHeadRow(head, this.#check) })
      this.#batch.add(metaRow(TRIMMED_KEY, revision))
      this.#batch.add(metaRow(CHECKPOINT_KEY, revision))
      await this.#write()
    } finally {
      await this.#batch.close()
    }
    return this.#rows
  }

  #take(row: KeyedRow): void {
    const { key, value, createRevision, modifyRevision } = row
    this.#assertRow(row)
    if (!this.#isNew(key)) throw new TypeError(`rows: two of the key ${JSON.stringify(key)}`)
    const encoded = encodeRow(
      DATA_SPACE + key,
      key,
      value,
      createRevision,
      modifyRevision,
      this.#check.rows,
      this.#memory,
    )
    this.#batch.add({ type: 'put', key: DATA_SPACE + key, value: encoded.bytes })
    this.#keys.add(key)
    this.#bytes += key.length + encoded.bytes.length
    this.#rows++
    this.#rowSum = (this.#rowSum + StoredRow.crcOf(encoded.row)) % ROW_SUM_MODULUS
    this.#sums.add(key, encoded.row)
  }

  #assertRow({ key, value, createRevision, modifyRevision }: KeyedRow): void {
    assertKey(key, DEFAULT_LIMITS.maxKeyBytes)
    if (!(value instanceof Uint8Array)) throw new TypeError('value: expected a Uint8Array')
    if (value.length > DEFAULT_LIMITS.maxValueBytes) {
      throw new StorageError('ERR_STORAGE_LIMIT', 'rows: a value is too long')
    }
    assertRevision(createRevision, 'createRevision')
    assertRevision(modifyRevision, 'modifyRevision')
    if (createRevision < 1 || createRevision > modifyRevision) {
      throw new RangeError('createRevision: expected an integer from 1 to modifyRevision')
    }
    if (modifyRevision > this.#options.revision) {
      throw new RangeError(`rows: ${JSON.stringify(key)} is newer than the store`)
    }
  }

  /** Only a key that is not in order has to be looked for. */
  #isNew(key: string): boolean {
    if (this.#highest === undefined || compareKeys(key, this.#highest) > 0) {
      this.#highest = key
      return true
    }
    if (this.#keys.has(key)) return false
    try {
      return this.#db.getSync(DATA_SPACE + key) === undefined
    } catch (error) {
      throw fromLevelError(error)
    }
  }

  /** Each batch is synced: LevelDB does not sync the logs before its last when it syncs that. */
  async #write(): Promise<void> {
    try {
      await this.#batch.write()
    } catch (error) {
      throw fromLevelError(error)
    }
    this.#batch = this.#db.batch()
    this.#keys.clear()
    this.#bytes = 0
    this.#options.onProgress?.(this.#rows)
  }
}
