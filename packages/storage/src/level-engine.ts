/** The LevelDB engine. Layout in layout.ts, row bytes in row-format.ts, opening in open-store.ts. */
import { assertBatch, assertRange, assertRevision, isLargeBatch } from './batch.ts'
import { closeModes } from './directory.ts'
import {
  type Batch,
  type Change,
  type CommitResult,
  type CompactOptions,
  DEFAULT_LIMITS,
  type Engine,
  type EngineLimits,
  type EngineState,
  type EngineStats,
  type Range,
  type Row,
  type RowCheck,
  type RowIterator,
  type ScrubOptions,
  type ScrubReport,
  type Snapshot,
} from './engine.ts'
import { StorageError } from './errors.ts'
import { assertBound, assertKey } from './keys.ts'
import { changeKey, DATA_SPACE, type Head, TRIMMED_KEY } from './layout.ts'
import { readChanges } from './level-changes.ts'
import { compactRange } from './level-compact.ts'
import { type IteratorHost, LevelRowIterator } from './level-iterator.ts'
import { type LevelEngineOptions, type LevelSettings, resolveSettings } from './level-options.ts'
import {
  fromLevelError,
  isDiskFull,
  type LevelDatabase,
  type LevelOperation,
  type LevelSnapshot,
} from './level-port.ts'
import { levelRange, metaRow, planCommit, readHead } from './level-rows.ts'
import { scrubLevel } from './level-scrub.ts'
import { isCommitAbsent, type OpenedStore, openStore } from './open-store.ts'
import { Pins } from './pins.ts'
import { RowCache } from './row-cache.ts'
import { decodeRow, type StoredRow, scratchMemory } from './row-format.ts'
import { atOnce, inSlices } from './slices.ts'
import { Turns } from './turns.ts'

/** Change rows dropped with one write. */
const TRIM_SLICE = 4096

export class LevelEngine implements Engine {
  readonly limits: EngineLimits = DEFAULT_LIMITS
  readonly #settings: LevelSettings
  readonly #cache: RowCache
  readonly #turns = new Turns()
  readonly #pins = new Pins()
  #db: LevelDatabase
  #head: Head
  #trimmed: number
  /** To be stored as the checkpoint with the next commit. */
  #verified: number | undefined
  #check: RowCheck | undefined
  /** Rows as they were before the commit under way, which is not to be seen before its answer. */
  #inFlight: ReadonlyMap<string, StoredRow | undefined> | undefined
  /** The same for a large commit: what all reads see, and nothing is kept of what they read. */
  #past: LevelSnapshot | undefined
  #state: EngineState = 'open'
  #lastAttempt = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined
  #commits = 0
  #syncs = 0
  #hits = 0
  #misses = 0
  #reopenings = 0

  /**
   * Open or create the store in `directory`, which must be private to this user.
   *
   * The process should run under umask 077: LevelDB creates its files while it runs, and only
   * those that are there at open and close are restricted here.
   *
   * Rejects with ERR_STORAGE_PERMISSIONS, ERR_STORAGE_LOCKED, ERR_STORAGE_FORMAT,
   * ERR_STORAGE_CORRUPT, ERR_STORAGE_ROLLED_BACK, ERR_STORAGE_FULL or ERR_STORAGE_UNAVAILABLE.
   */
  static async open(directory: string, options: LevelEngineOptions = {}): Promise<LevelEngine> {
    const settings = await resolveSettings(directory, options)
    return new LevelEngine(settings, await openStore(settings))
  }

  private constructor(settings: LevelSettings, opened: OpenedStore) {
    this.#settings = settings
    this.#cache = new RowCache(settings.rowCacheBytes)
    this.#db = opened.db
    this.#head = opened.head
    this.#trimmed = opened.trimmed
    this.#verified = opened.checkpoint < opened.head.revision ? opened.head.revision : undefined
  }

  get head(): number {
    return this.#head.revision
  }

  get generation(): string {
    return this.#head.generation
  }

  get trimmed(): number {
    return this.#trimmed
  }

  get state(): EngineState {
    return this.#state
  }

  get(key: string): Row | undefined {
    if (this.#state !== 'open') throw this.#unusable()
    const cached = this.#cache.get(key)
    if (cached !== undefined) {
      this.#hits++
      return cached
    }
    assertKey(key, this.limits.maxKeyBytes)
    return this.#load(key)
  }

  getMany(keys: readonly string[]): (Row | undefined)[] {
    return keys.map((key) => this.get(key))
  }

  iterate(range: Range): RowIterator {
    return this.#iterate(range, undefined)
  }

  snapshot(): Snapshot {
    if (this.#state !== 'open') throw this.#unusable()
    const db = this.#db
    const inner = db.snapshot()
    // The commit under way may or may not be in it; its own head row tells.
    const revision =
      this.#inFlight === undefined && this.#past === undefined
        ? this.#head.revision
        : readHead(db, inner).revision
    const snapshot: Snapshot = {
      revision,
      get: (key) => this.#getAt(db, inner, revision, key),
      getMany: (keys) => keys.map((key) => this.#getAt(db, inner, revision, key)),
      iterate: (range) => this.#iterate(range, { db, inner }),
      close: async () => {
        this.#pins.release(snapshot)
        await inner.close()
      },
    }
    this.#pins.add(snapshot)
    return snapshot
  }

  async commit(batch: Batch): Promise<CommitResult> {
    const large = isLargeBatch(batch, this.limits)
    if (!large) atOnce(assertBatch(batch, this.limits))
    if (this.#closing !== undefined) throw this.#unusable()
    return this.#turns.run(() => (large ? this.#commitLarge(batch) : this.#commit(batch)))
  }

  async *changes(after: number): AsyncGenerator<Change> {
    assertRevision(after, 'after')
    if (this.#state !== 'open') throw this.#unusable()
    if (after < this.#trimmed) {
      throw new StorageError(
        'ERR_STORAGE_TRIMMED',
        `changes up to revision ${this.#trimmed} have been dropped`,
      )
    }
    if (after >= this.#head.revision) return
    const holder = {}
    this.#pins.add(holder)
    try {
      yield* readChanges(this.#db, after, this.#head.revision)
    } catch (error) {
      throw this.#translate(error)
    } finally {
      this.#pins.release(holder)
    }
  }

  async trimChanges(upTo: number): Promise<void> {
    assertRevision(upTo, 'upTo')
    await this.#turns.run(async () => {
      await this.#usable()
      const last = Math.min(upTo, this.#head.revision)
      while (this.#trimmed < last) {
        const to = Math.min(last, this.#trimmed + TRIM_SLICE)
        const operations: LevelOperation[] = [metaRow(TRIMMED_KEY, to)]
        for (let each = this.#trimmed + 1; each <= to; each++) {
          operations.push({ type: 'del', key: changeKey(each) })
        }
        await this.#write(operations)
        this.#trimmed = to
      }
    })
  }

  async compact(gte: string, lt: string, options: CompactOptions = {}): Promise<void> {
    assertBound(gte, 'gte')
    assertBound(lt, 'lt')
    await this.#turns.run(() => this.#usable())
    await this.#pins.settle(options.signal)
    const { directory, crc } = this.#settings
    const db = this.#db
    const write = (make: () => readonly LevelOperation[]): Promise<void> =>
      this.#turns.run(async () => {
        await this.#usable()
        // After a reopening, what was found out about the tables is of another database.
        if (db !== this.#db) throw this.#unusable()
        await this.#write(make())
      })
    const work = compactRange({ directory, crc, db, write }, gte, lt, options.signal)
    await this.#background(db, work)
  }

  setCheckKey(check: RowCheck | undefined): void {
    this.#check = check
    // What is in memory was verified under another check, or none.
    this.#cache.clear()
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    const { directory, crc } = this.#settings
    // Between two commits, so that head and snapshot belong together.
    const source = await this.#turns.run(async () => {
      await this.#usable()
      const at = { db: this.#db, snapshot: this.#db.snapshot(), head: this.#head }
      return { directory, crc, ...at, trimmed: this.#trimmed, check: this.#check }
    })
    const { db, snapshot } = source
    this.#pins.add(snapshot)
    try {
      return await scrubLevel(source, options)
    } catch (error) {
      if (options.signal?.aborted) throw error
      throw db === this.#db ? this.#translate(error) : this.#unusable()
    } finally {
      this.#pins.release(snapshot)
      await snapshot.close()
    }
  }

  stats(): EngineStats {
    return {
      rows: this.#head.rows,
      commits: this.#commits,
      syncs: this.#syncs,
      cacheHits: this.#hits,
      cacheMisses: this.#misses,
      cacheRows: this.#cache.rows,
      cacheBytes: this.#cache.bytes,
      reopenings: this.#reopenings,
    }
  }

  async recover(): Promise<void> {
    await this.#turns.run(() => this.#usable())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#turns.idle()
    this.#state = 'closed'
    this.#cache.clear()
    this.#pins.releaseAll()
    await this.#db.close().catch(() => {})
    await closeModes(this.#settings.directory).catch(() => {})
  }

  /** The stored row, from the database; the caller has looked in the cache. */
  #load(key: string): StoredRow | undefined {
    if (this.#inFlight?.has(key)) return this.#inFlight.get(key)
    this.#misses++
    const storageKey = DATA_SPACE + key
    const past = this.#past
    const bytes = this.#read(() =>
      past === undefined
        ? this.#db.getSync(storageKey)
        : this.#db.getSync(storageKey, { snapshot: past }),
    )
    if (bytes === undefined) return undefined
    const row = decodeRow(storageKey, key, bytes, this.#check)
    if (past === undefined) this.#cache.set(key, row)
    return row
  }

  #getAt(db: LevelDatabase, inner: LevelSnapshot, revision: number, key: string): Row | undefined {
    if (db !== this.#db || this.#state !== 'open') throw this.#unusable()
    const cached = revision <= this.#head.revision ? this.#cache.get(key) : undefined
    if (cached !== undefined && cached.modifyRevision <= revision) return cached
    assertKey(key, this.limits.maxKeyBytes)
    const storageKey = DATA_SPACE + key
    const bytes = this.#read(() => db.getSync(storageKey, { snapshot: inner }))
    return bytes === undefined ? undefined : decodeRow(storageKey, key, bytes, this.#check)
  }

  #iterate(range: Range, at: { db: LevelDatabase; inner: LevelSnapshot } | undefined): RowIterator {
    assertRange(range)
    if (this.#state !== 'open') throw this.#unusable()
    const db = at?.db ?? this.#db
    if (db !== this.#db) throw this.#unusable()
    const inner = this.#read(() =>
      db.iterator({ ...levelRange(range), ...(at === undefined ? {} : { snapshot: at.inner }) }),
    )
    const host: IteratorHost = {
      open: (storageKey, bytes) => {
        const key = storageKey.slice(DATA_SPACE.length)
        const { value, createRevision, modifyRevision } = decodeRow(
          storageKey,
          key,
          bytes,
          this.#check,
        )
        return { key, value, createRevision, modifyRevision }
      },
      translate: (error) => this.#translate(error),
      closed: (iterator) => this.#pins.release(iterator),
    }
    const iterator = new LevelRowIterator(inner, host, DATA_SPACE)
    this.#pins.add(iterator)
    return iterator
  }

  async #commit(batch: Batch): Promise<CommitResult> {
    await this.#usable()
    const check = this.#check
    const verified = this.#verified
    const before = new Map<string, StoredRow | undefined>()
    const after: (StoredRow | undefined)[] = []
    const operations: LevelOperation[] = []
    const head = atOnce(
      planCommit({
        batch,
        last: this.#head,
        check,
        verified,
        memory: Buffer.allocUnsafeSlow,
        current: (key) => this.#cache.get(key) ?? this.#load(key),
        replaced: (key, old, row) => {
          before.set(key, old)
          after.push(row)
        },
        write: (operation) => operations.push(operation),
      }),
    )
    const { revision } = head
    this.#inFlight = before
    try {
      await this.#write(operations, revision)
    } finally {
      this.#inFlight = undefined
    }
    // After a reopening everything has been read back already.
    if (this.#head.revision !== revision) {
      let index = 0
      for (const key of before.keys()) {
        const row = after[index++]
        // A row written under another check than the one set meanwhile has to prove itself.
        if (row === undefined || this.#check !== check) this.#cache.delete(key)
        else this.#cache.set(key, row)
      }
    }
    return this.#committed(head, verified)
  }

  /**
   * The same in slices. LevelDB takes over each row as soon as it is made, reads are answered from
   * before the commit until its end, and its rows leave the cache on the way, so that the end
   * itself is one step whatever the size.
   */
  async #commitLarge(batch: Batch): Promise<CommitResult> {
    await inSlices(assertBatch(batch, this.limits))
    await this.#usable()
    const check = this.#check
    const verified = this.#verified
    const writing = this.#db.batch()
    const past = this.#db.snapshot()
    this.#past = past
    try {
      const head = await inSlices(
        planCommit({
          batch,
          last: this.#head,
          check,
          verified,
          memory: scratchMemory(),
          current: (key) => this.#cache.get(key) ?? this.#load(key),
          replaced: (key) => this.#cache.delete(key),
          write: (operation) => writing.add(operation),
        }),
      )
      if (this.#check !== check) {
        throw new StorageError(
          'ERR_STORAGE_WRITE_FAILED',
          'the row check was replaced during the commit; nothing was written',
        )
      }
      await this.#synced(() => writing.write(), head.revision)
      return this.#committed(head, verified)
    } catch (error) {
      throw this.#translate(error)
    } finally {
      this.#past = undefined
      await Promise.allSettled([writing.close(), past.close()])
    }
  }

  #committed(head: Head, verified: number | undefined): CommitResult {
    const { revision } = head
    this.#commits++
    if (this.#head.revision !== revision) {
      this.#head = head
      if (this.#verified === verified) this.#verified = undefined
    }
    return { revision }
  }

  /**
   * One synced write in the writer's turn. After a failure the medium decides: the database is
   * closed and opened again, and its head tells whether the write is there (DESIGN §5).
   *
   * @param revision of the commit; writes without one are known only by their own success
   */
  #write(operations: readonly LevelOperation[], revision?: number): Promise<void> {
    return this.#synced(() => this.#db.write(operations), revision)
  }

  async #synced(write: () => Promise<void>, revision: number | undefined): Promise<void> {
    this.#syncs++
    try {
      await write()
    } catch (cause) {
      await this.#afterFailure(cause, revision)
    }
  }

  async #afterFailure(cause: unknown, revision: number | undefined): Promise<void> {
    const before = this.#head.revision
    const failure = isDiskFull(cause)
      ? new StorageError('ERR_STORAGE_FULL', 'the disk is full; nothing was written', { cause })
      : new StorageError('ERR_STORAGE_WRITE_FAILED', 'the write failed and was not applied', {
          cause,
        })
    this.#state = 'failed'
    try {
      await this.#reopen()
    } catch (reopening) {
      const { directory, crc } = this.#settings
      const absent = await isCommitAbsent(directory, revision ?? before + 1, crc)
      if (absent || revision === undefined) throw failure
      throw new StorageError(
        'ERR_STORAGE_OUTCOME_UNKNOWN',
        'the write failed and the store could not be opened again to see whether it was applied',
        { cause: new AggregateError([cause, reopening]) },
      )
    }
    if (this.#head.revision !== revision) throw failure
  }

  async #reopen(): Promise<void> {
    this.#lastAttempt = this.#settings.now()
    // Of the database that is closed now; until it is open again nothing is read.
    this.#past = undefined
    this.#cache.clear()
    this.#pins.releaseAll()
    await this.#db.close().catch(() => {})
    const known = Math.max(this.#settings.expectHeadAtLeast, this.#head.revision)
    const opened = await openStore({
      ...this.#settings,
      expectHeadAtLeast: known,
      generation: this.#head.generation,
    })
    this.#db = opened.db
    this.#head = opened.head
    this.#trimmed = opened.trimmed
    this.#verified = opened.checkpoint < opened.head.revision ? opened.head.revision : undefined
    this.#reopenings++
    this.#state = 'open'
  }

  /** Come back from a failed write, if that is due. */
  async #usable(): Promise<void> {
    if (this.#state === 'open') return
    if (this.#state === 'closed') throw this.#unusable()
    const { now, reopenIntervalMs } = this.#settings
    if (now() - this.#lastAttempt < reopenIntervalMs) throw this.#unusable()
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
  async #background<T>(db: LevelDatabase, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw db === this.#db && this.#state === 'open' ? error : this.#unusable()
    }
  }

  #read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.#translate(error)
    }
  }

  #translate(error: unknown): Error {
    if (error instanceof StorageError || error instanceof TypeError) return error
    if (error instanceof RangeError) return error
    return this.#state === 'open' ? fromLevelError(error) : this.#unusable()
  }

  #unusable(): StorageError {
    return this.#closing !== undefined || this.#state === 'closed'
      ? new StorageError('ERR_STORAGE_CLOSED', 'the store is closed')
      : new StorageError(
          'ERR_STORAGE_UNAVAILABLE',
          'the store is not open since a write failed; nothing was written',
        )
  }
}
