/**
 * The database that an engine has open, and how it is opened again: after a failed write the medium decides. The
 * database is closed and opened with all checks, and its head tells whether the write is there (DESIGN §5).
 */
import { closeModes } from './directory.ts'
import type { EngineState, RowCheck } from './engine.ts'
import { StorageError } from './errors.ts'
import { type Head, readHead } from './head-row.ts'
import type { LevelSettings } from './level-options.ts'
import {
  fromLevelError,
  isDiskFull,
  type LevelDatabase,
  type LevelOperation,
  type LevelSnapshot,
} from './level-port.ts'
import { isCommitAbsent, type OpenedStore, openStore } from './open-store.ts'
import { Pins } from './pins.ts'
import { RowCache } from './row-cache.ts'
import type { StoredRow } from './row-format.ts'
import { StoreCheck } from './store-check.ts'

export class LevelSession {
  readonly settings: LevelSettings
  readonly cache: RowCache
  readonly pins: Pins = new Pins()
  db: LevelDatabase
  head: Head
  trimmed: number
  /** To be stored as the checkpoint with the next commit. */
  verified: number | undefined
  /** Rows as they were before the commit under way, which is not to be seen before its answer. */
  inFlight: ReadonlyMap<string, StoredRow | undefined> | undefined
  /** The same for a large commit: what all reads see, and nothing is kept of what they read. */
  past: LevelSnapshot | undefined
  state: EngineState = 'open'
  /** Whether the engine is being closed, and takes nothing more. */
  isClosing = false
  syncs = 0
  reopenings = 0
  #check: StoreCheck | undefined
  #lastAttempt = Number.NEGATIVE_INFINITY

  static async open(settings: LevelSettings): Promise<LevelSession> {
    return new LevelSession(settings, await openStore(settings))
  }

  private constructor(settings: LevelSettings, opened: OpenedStore) {
    this.settings = settings
    this.cache = new RowCache(settings.rowCacheBytes)
    this.db = opened.db
    this.head = opened.head
    this.trimmed = opened.trimmed
    this.verified = unstored(opened)
  }

  get check(): StoreCheck | undefined {
    return this.#check
  }

  /** Set or drop the check; throws, and leaves it, when the head was not written under it. */
  setCheck(check: RowCheck | undefined): void {
    if (check === undefined) {
      this.#check = undefined
    } else {
      this.assertOpen()
      const next = new StoreCheck(check, this.head.generation)
      this.read(() => readHead(this.db, next))
      this.#check = next
    }
    // What is in memory was verified under another check, or none.
    this.cache.clear()
  }

  /**
   * One synced write in the writer's turn.
   *
   * @param revision of the commit; writes without one are known only by their own success
   */
  write(operations: readonly LevelOperation[], revision?: number): Promise<void> {
    return this.synced(() => this.db.write(operations), revision)
  }

  async synced(write: () => Promise<void>, revision: number | undefined): Promise<void> {
    this.syncs++
    try {
      await write()
    } catch (cause) {
      await this.#afterFailure(cause, revision)
    }
  }

  /** Come back from a failed write, if that is due. */
  async usable(): Promise<void> {
    if (this.state === 'open') return
    if (this.state === 'closed') throw this.unusable()
    const { now, reopenIntervalMs } = this.settings
    if (now() - this.#lastAttempt < reopenIntervalMs) throw this.unusable()
    try {
      await this.#reopen()
    } catch (cause) {
      throw new StorageError(
        'ERR_STORAGE_UNAVAILABLE',
        'the store could not be opened again after a failed write; nothing was written',
        { cause },
      )
    }
  }

  /** Work that fails with the state of the engine when its database was closed meanwhile. */
  async background<T>(db: LevelDatabase, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw db === this.db && this.state === 'open' ? error : this.unusable()
    }
  }

  read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.translate(error)
    }
  }

  translate(error: unknown): Error {
    if (error instanceof StorageError || error instanceof TypeError) return error
    if (error instanceof RangeError) return error
    return this.state === 'open' ? fromLevelError(error) : this.unusable()
  }

  assertOpen(): void {
    if (this.state !== 'open') throw this.unusable()
  }

  unusable(): StorageError {
    return this.isClosing || this.state === 'closed'
      ? new StorageError('ERR_STORAGE_CLOSED', 'the store is closed')
      : new StorageError(
          'ERR_STORAGE_UNAVAILABLE',
          'the store is not open since a write failed; nothing was written',
        )
  }

  async close(): Promise<void> {
    this.state = 'closed'
    this.cache.clear()
    this.pins.releaseAll()
    await this.db.close().catch(() => {})
    await closeModes(this.settings.directory).catch(() => {})
  }

  async #afterFailure(cause: unknown, revision: number | undefined): Promise<void> {
    const before = this.head.revision
    const failure = isDiskFull(cause)
      ? new StorageError('ERR_STORAGE_FULL', 'the disk is full; nothing was written', { cause })
      : new StorageError('ERR_STORAGE_WRITE_FAILED', 'the write failed and was not applied', {
          cause,
        })
    this.state = 'failed'
    try {
      await this.#reopen()
    } catch (reopening) {
      const { directory, crc } = this.settings
      const absent = await isCommitAbsent(directory, revision ?? before + 1, crc)
      if (absent || revision === undefined) throw failure
      throw new StorageError(
        'ERR_STORAGE_OUTCOME_UNKNOWN',
        'the write failed and the store could not be opened again to see whether it was applied',
        { cause: new AggregateError([cause, reopening]) },
      )
    }
    if (this.head.revision !== revision) throw failure
  }

  async #reopen(): Promise<void> {
    this.#lastAttempt = this.settings.now()
    // Of the database that is closed now; until it is open again nothing is read.
    this.past = undefined
    this.cache.clear()
    this.pins.releaseAll()
    await this.db.close().catch(() => {})
    const known = Math.max(this.settings.expectHeadAtLeast, this.head.revision)
    const opened = await openStore({
      ...this.settings,
      expectHeadAtLeast: known,
      generation: this.head.generation,
      check: this.#check,
    })
    this.db = opened.db
    this.head = opened.head
    this.trimmed = opened.trimmed
    this.verified = unstored(opened)
    this.reopenings++
    this.state = 'open'
  }
}

function unstored({ checkpoint, head }: OpenedStore): number | undefined {
  return checkpoint < head.revision ? head.revision : undefined
}
