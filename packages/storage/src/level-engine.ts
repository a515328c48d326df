/** The LevelDB engine. Layout in layout.ts, row bytes in row-format.ts, opening in open-store.ts. */
import { assertBatch, assertRange, assertRevision, isLargeBatch } from './batch.ts'
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
  type Space,
} from './engine.ts'
import { StorageError } from './errors.ts'
import { notChecked, orderSpaces, verifyGuardedRows } from './guarded-rows.ts'
import { readHead } from './head-row.ts'
import { assertBound, assertKey } from './keys.ts'
import { changeKey, DATA_SPACE, TRIMMED_KEY } from './layout.ts'
import { readChanges } from './level-changes.ts'
import { LevelCommits } from './level-commits.ts'
import { compactRange } from './level-compact.ts'
import { type LevelMoment, levelHistory, readSpaces } from './level-history.ts'
import { type IteratorHost, LevelRowIterator } from './level-iterator.ts'
import { type LevelEngineOptions, resolveSettings } from './level-options.ts'
import type { LevelDatabase, LevelOperation, LevelSnapshot } from './level-port.ts'
import { levelRange, metaRow } from './level-rows.ts'
import { scrubLevel } from './level-scrub.ts'
import { LevelSession } from './level-session.ts'
import { decodeRow, type StoredRow } from './row-format.ts'
import { atOnce } from './slices.ts'
import type { StoreCheck } from './store-check.ts'
import { Turns } from './turns.ts'

/** Change rows dropped with one write. */
const TRIM_SLICE = 4096

export class LevelEngine implements Engine {
  readonly limits: EngineLimits = DEFAULT_LIMITS
  readonly #session: LevelSession
  readonly #commits: LevelCommits
  readonly #turns = new Turns()
  #closing: Promise<void> | undefined
  #hits = 0
  #misses = 0

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
    return new LevelEngine(await LevelSession.open(await resolveSettings(directory, options)))
  }

  private constructor(session: LevelSession) {
    this.#session = session
    this.#commits = new LevelCommits(session, (key) => this.#load(key))
  }

  get head(): number {
    return this.#session.head.revision
  }

  get generation(): string {
    return this.#session.head.generation
  }

  get trimmed(): number {
    return this.#session.trimmed
  }

  get state(): EngineState {
    return this.#session.state
  }

  get(key: string): Row | undefined {
    this.#session.assertOpen()
    const cached = this.#session.cache.get(key)
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
    this.#session.assertOpen()
    const db = this.#session.db
    const inner = db.snapshot()
    // The commit under way may or may not be in it; its own head row tells.
    const revision =
      this.#session.inFlight === undefined && this.#session.past === undefined
        ? this.#session.head.revision
        : this.#session.read(() => readHead(db, this.#session.check, inner)).revision
    const snapshot: Snapshot = {
      revision,
      get: (key) => this.#getAt(db, inner, revision, key),
      getMany: (keys) => keys.map((key) => this.#getAt(db, inner, revision, key)),
      iterate: (range) => this.#iterate(range, { db, inner }),
      close: async () => {
        this.#session.pins.release(snapshot)
        await inner.close()
      },
    }
    this.#session.pins.add(snapshot)
    return snapshot
  }

  async commit(batch: Batch): Promise<CommitResult> {
    const large = isLargeBatch(batch, this.limits)
    if (!large) atOnce(assertBatch(batch, this.limits))
    if (this.#closing !== undefined) throw this.#session.unusable()
    return this.#turns.run(() => (large ? this.#commits.large(batch) : this.#commits.small(batch)))
  }

  async *changes(after: number): AsyncGenerator<Change> {
    assertRevision(after, 'after')
    this.#session.assertOpen()
    if (after < this.#session.trimmed) {
      throw new StorageError(
        'ERR_STORAGE_TRIMMED',
        `changes up to revision ${this.#session.trimmed} have been dropped`,
      )
    }
    if (after >= this.#session.head.revision) return
    const holder = {}
    this.#session.pins.add(holder)
    try {
      yield* readChanges(this.#session.db, after, this.#session.head.revision)
    } catch (error) {
      throw this.#session.translate(error)
    } finally {
      this.#session.pins.release(holder)
    }
  }

  async trimChanges(upTo: number): Promise<void> {
    assertRevision(upTo, 'upTo')
    await this.#turns.run(async () => {
      await this.#session.usable()
      const last = Math.min(upTo, this.#session.head.revision)
      while (this.#session.trimmed < last) {
        const to = Math.min(last, this.#session.trimmed + TRIM_SLICE)
        const operations: LevelOperation[] = [metaRow(TRIMMED_KEY, to)]
        for (let each = this.#session.trimmed + 1; each <= to; each++) {
          operations.push({ type: 'del', key: changeKey(each) })
        }
        await this.#session.write(operations)
        this.#session.trimmed = to
      }
    })
  }

  async compact(gte: string, lt: string, options: CompactOptions = {}): Promise<void> {
    assertBound(gte, 'gte')
    assertBound(lt, 'lt')
    await this.#turns.run(() => this.#session.usable())
    await this.#session.pins.settle(options.signal)
    const { directory, crc } = this.#session.settings
    const db = this.#session.db
    const write = (make: () => readonly LevelOperation[]): Promise<void> =>
      this.#turns.run(async () => {
        await this.#session.usable()
        // After a reopening, what was found out about the tables is of another database.
        if (db !== this.#session.db) throw this.#session.unusable()
        await this.#session.write(make())
      })
    const work = compactRange({ directory, crc, db, write }, gte, lt, options.signal)
    await this.#session.background(db, work)
  }

  setCheckKey(check: RowCheck | undefined): void {
    this.#session.setCheck(check)
  }

  async verifyGuarded(spaces: readonly Space[]): Promise<void> {
    const ordered = orderSpaces(spaces)
    await this.#atMoment(async (moment, check) => {
      if (check === undefined) throw notChecked()
      await verifyGuardedRows({
        pages: readSpaces(moment, ordered, check.rows),
        head: moment.head,
        check,
        history: levelHistory(moment, ordered),
      })
    })
  }

  scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    const { directory, crc } = this.#session.settings
    return this.#atMoment(
      (moment, check) => scrubLevel({ ...moment, directory, crc, check }, options),
      options.signal,
    )
  }

  stats(): EngineStats {
    return {
      rows: this.#session.head.rows,
      commits: this.#commits.count,
      syncs: this.#session.syncs,
      cacheHits: this.#hits,
      cacheMisses: this.#misses,
      cacheRows: this.#session.cache.rows,
      cacheBytes: this.#session.cache.bytes,
      reopenings: this.#session.reopenings,
    }
  }

  async recover(): Promise<void> {
    await this.#turns.run(() => this.#session.usable())
  }

  close(): Promise<void> {
    this.#session.isClosing = true
    this.#closing ??= this.#turns.idle().then(() => this.#session.close())
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Work on a snapshot that is taken between two commits, so that it and its head belong together. */
  async #atMoment<T>(
    work: (moment: LevelMoment, check: StoreCheck | undefined) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const session = this.#session
    const { moment, check } = await this.#turns.run(async () => {
      await session.usable()
      const { db, head, trimmed } = session
      return { moment: { db, snapshot: db.snapshot(), head, trimmed }, check: session.check }
    })
    const { db, snapshot } = moment
    session.pins.add(snapshot)
    try {
      return await work(moment, check)
    } catch (error) {
      if (signal?.aborted) throw error
      throw db === session.db ? session.translate(error) : session.unusable()
    } finally {
      session.pins.release(snapshot)
      await snapshot.close()
    }
  }

  /** The stored row, from the database; the caller has looked in the cache. */
  #load(key: string): StoredRow | undefined {
    if (this.#session.inFlight?.has(key)) return this.#session.inFlight.get(key)
    this.#misses++
    const storageKey = DATA_SPACE + key
    const past = this.#session.past
    const bytes = this.#session.read(() =>
      past === undefined
        ? this.#session.db.getSync(storageKey)
        : this.#session.db.getSync(storageKey, { snapshot: past }),
    )
    if (bytes === undefined) return undefined
    const row = decodeRow(storageKey, key, bytes, this.#session.check?.rows)
    if (past === undefined) this.#session.cache.set(key, row)
    return row
  }

  #getAt(db: LevelDatabase, inner: LevelSnapshot, revision: number, key: string): Row | undefined {
    if (db !== this.#session.db || this.#session.state !== 'open') throw this.#session.unusable()
    const cached =
      revision <= this.#session.head.revision ? this.#session.cache.get(key) : undefined
    if (cached !== undefined && cached.modifyRevision <= revision) return cached
    assertKey(key, this.limits.maxKeyBytes)
    const storageKey = DATA_SPACE + key
    const bytes = this.#session.read(() => db.getSync(storageKey, { snapshot: inner }))
    return bytes === undefined
      ? undefined
      : decodeRow(storageKey, key, bytes, this.#session.check?.rows)
  }

  #iterate(range: Range, at: { db: LevelDatabase; inner: LevelSnapshot } | undefined): RowIterator {
    assertRange(range)
    this.#session.assertOpen()
    const db = at?.db ?? this.#session.db
    if (db !== this.#session.db) throw this.#session.unusable()
    const inner = this.#session.read(() =>
      db.iterator({ ...levelRange(range), ...(at === undefined ? {} : { snapshot: at.inner }) }),
    )
    const host: IteratorHost = {
      open: (storageKey, bytes) => {
        const key = storageKey.slice(DATA_SPACE.length)
        const { value, createRevision, modifyRevision } = decodeRow(
          storageKey,
          key,
          bytes,
          this.#session.check?.rows,
        )
        return { key, value, createRevision, modifyRevision }
      },
      translate: (error) => this.#session.translate(error),
      closed: (iterator) => this.#session.pins.release(iterator),
    }
    const iterator = new LevelRowIterator(inner, host, DATA_SPACE)
    this.#session.pins.add(iterator)
    return iterator
  }
}
