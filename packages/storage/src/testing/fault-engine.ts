/** An engine whose commits fail, wait or lose power as the test says. */
import type {
  Batch,
  Change,
  CommitResult,
  CompactOptions,
  Engine,
  EngineLimits,
  EngineState,
  EngineStats,
  KeyedRow,
  MaybePromise,
  Range,
  Row,
  RowCheck,
  RowIterator,
  ScrubOptions,
  ScrubReport,
  Snapshot,
  Space,
} from '../engine.ts'
import { StorageError } from '../errors.ts'
import { compareKeys } from '../keys.ts'
import { MemoryEngine } from '../memory-engine.ts'
import { Turns } from '../turns.ts'

export type FaultPoint =
  /** The batch has been accepted and has not reached the medium. */
  | 'before-sync'
  /** The batch is durable and its caller has not heard. */
  | 'after-sync'

export interface CommitFault {
  readonly errno: 'ENOSPC' | 'EIO' | 'EROFS'
  /** Whether the batch had reached the medium when the write failed. Default false. */
  readonly applied?: boolean
  /** Whether the store can be opened again at once; else it stays failed until `heal`. */
  readonly reopens?: boolean
}

export interface FaultEngineOptions {
  /** Called at each point of each commit; may wait, throw nothing, and may call `crash`. */
  readonly onPoint?: (point: FaultPoint, revision: number) => MaybePromise<void>
}

/**
 * Stands before another engine, which is the medium: what was committed there is synced, all else
 * is lost at `crash`. Behaves like the LevelDB engine after a failed write: it reports what is
 * known of the outcome, and refuses reads and writes while it cannot be opened again.
 */
export class FaultEngine implements Engine {
  readonly #medium: Engine
  readonly #options: FaultEngineOptions
  readonly #turns = new Turns()
  readonly #faults = new Map<number, CommitFault>()
  readonly #readFaults = new Map<string, Error>()
  #state: EngineState | 'crashed' = 'open'
  #head: number
  #attempts = 0
  #syncs = 0
  #healed = true
  #closing: Promise<void> | undefined

  constructor(medium: Engine = new MemoryEngine(), options: FaultEngineOptions = {}) {
    this.#medium = medium
    this.#options = options
    this.#head = medium.head
  }

  /** Fail the `nth` commit from now; 1 = the next. */
  failCommit(nth: number, fault: CommitFault): void {
    this.#faults.set(this.#attempts + nth, fault)
  }

  /** Every read of `key` throws `error`, until called without one. */
  failReads(key: string, error?: Error): void {
    if (error === undefined) this.#readFaults.delete(key)
    else this.#readFaults.set(key, error)
  }

  /** Let the next commit, or `recover`, open the store again. */
  heal(): void {
    this.#healed = true
  }

  /** Lose power: nothing that is not synced survives, and this engine answers no one any more. */
  crash(): void {
    this.#state = 'crashed'
  }

  /** A new engine on what the medium kept, as after a restart. */
  restart(options: FaultEngineOptions = this.#options): FaultEngine {
    if (this.#state === 'open') this.crash()
    return new FaultEngine(this.#medium, options)
  }

  /** Commits that reached the medium. */
  get syncs(): number {
    return this.#syncs
  }

  get head(): number {
    return this.#head
  }

  get generation(): string {
    return this.#medium.generation
  }

  get trimmed(): number {
    return this.#medium.trimmed
  }

  get limits(): EngineLimits {
    return this.#medium.limits
  }

  get state(): EngineState {
    return this.#state === 'crashed' ? 'closed' : this.#state
  }

  get(key: string): MaybePromise<Row | undefined> {
    this.#assertOpen()
    this.#assertReadable(key)
    return this.#medium.get(key)
  }

  getMany(keys: readonly string[]): MaybePromise<(Row | undefined)[]> {
    this.#assertOpen()
    for (const key of keys) this.#assertReadable(key)
    return this.#medium.getMany(keys)
  }

  iterate(range: Range): RowIterator {
    this.#assertOpen()
    return this.#guard(this.#medium.iterate(range))
  }

  snapshot(): Snapshot {
    this.#assertOpen()
    const inner = this.#medium.snapshot()
    const readable = <T>(keys: readonly string[], read: () => T): T => {
      this.#assertOpen()
      for (const key of keys) this.#assertReadable(key)
      return read()
    }
    return {
      revision: inner.revision,
      get: (key) => readable([key], () => inner.get(key)),
      getMany: (keys) => readable(keys, () => inner.getMany(keys)),
      iterate: (range) => this.#guard(readable([], () => inner.iterate(range))),
      close: () => inner.close(),
    }
  }

  async commit(batch: Batch): Promise<CommitResult> {
    if (this.#closing !== undefined) throw this.#unusable()
    return this.#turns.run(() => this.#commit(batch))
  }

  async *changes(after: number): AsyncGenerator<Change> {
    this.#assertOpen()
    for await (const change of this.#medium.changes(after)) {
      this.#assertOpen()
      yield change
    }
  }

  async trimChanges(upTo: number): Promise<void> {
    await this.#turns.run(async () => {
      await this.#usable()
      await this.#medium.trimChanges(upTo)
    })
  }

  async compact(gte: string, lt: string, options?: CompactOptions): Promise<void> {
    // Commits go on meanwhile, as on the LevelDB engine.
    await this.#turns.run(() => this.#usable())
    await this.#medium.compact(gte, lt, options)
    this.#assertOpen()
  }

  setCheckKey(check: RowCheck | undefined): void {
    this.#medium.setCheckKey(check)
  }

  async verifyGuarded(spaces: readonly Space[]): Promise<void> {
    this.#assertOpen()
    for (const [key, error] of this.#readFaults) {
      if (spaces.some(({ gte, lt }) => compareKeys(key, gte) >= 0 && compareKeys(key, lt) < 0)) {
        throw error
      }
    }
    await this.#medium.verifyGuarded(spaces)
  }

  async scrub(options?: ScrubOptions): Promise<ScrubReport> {
    this.#assertOpen()
    return this.#medium.scrub(options)
  }

  stats(): EngineStats {
    return this.#medium.stats()
  }

  async recover(): Promise<void> {
    await this.#turns.run(() => this.#usable())
  }

  /** The medium stays open, for `restart`. */
  close(): Promise<void> {
    this.#closing ??= this.#turns.idle().then(() => {
      this.#state = 'closed'
    })
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #commit(batch: Batch): Promise<CommitResult> {
    await this.#usable()
    const fault = this.#faults.get(++this.#attempts)
    const revision = this.#head + 1
    await this.#point('before-sync', revision)
    if (fault !== undefined && fault.applied !== true) throw this.#fail(fault)
    await this.#medium.commit(batch)
    this.#syncs++
    await this.#point('after-sync', revision)
    if (fault !== undefined && fault.reopens === false) throw this.#fail(fault)
    this.#head = this.#medium.head
    return { revision }
  }

  async #point(point: FaultPoint, revision: number): Promise<void> {
    await this.#options.onPoint?.(point, revision)
    if (this.#state === 'crashed') throw this.#unusable()
  }

  #fail({ errno, applied, reopens }: CommitFault): StorageError {
    if (reopens === false) {
      this.#state = 'failed'
      this.#healed = false
    }
    const cause = Object.assign(new Error(`${errno}: injected`), { code: errno })
    if (applied === true) {
      return new StorageError('ERR_STORAGE_OUTCOME_UNKNOWN', 'injected failure', { cause })
    }
    const code = errno === 'ENOSPC' ? 'ERR_STORAGE_FULL' : 'ERR_STORAGE_WRITE_FAILED'
    return new StorageError(code, 'injected failure; nothing was written', { cause })
  }

  async #usable(): Promise<void> {
    if (this.#state === 'failed' && this.#healed) {
      this.#head = this.#medium.head
      this.#state = 'open'
    }
    this.#assertOpen()
  }

  #guard(inner: RowIterator): RowIterator {
    const checked = (row: KeyedRow): KeyedRow => {
      this.#assertReadable(row.key)
      return row
    }
    const next = async (): Promise<KeyedRow | undefined> => {
      this.#assertOpen()
      const row = await inner.next()
      return row === undefined ? undefined : checked(row)
    }
    return {
      next,
      nextPage: async (size) => {
        this.#assertOpen()
        return (await inner.nextPage(size)).map(checked)
      },
      seek: (key) => inner.seek(key),
      close: () => inner.close(),
      async *[Symbol.asyncIterator]() {
        try {
          for (let row = await next(); row !== undefined; row = await next()) yield row
        } finally {
          await inner.close()
        }
      },
    }
  }

  #assertReadable(key: string): void {
    const error = this.#readFaults.get(key)
    if (error !== undefined) throw error
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw this.#unusable()
  }

  #unusable(): StorageError {
    if (this.#state === 'failed') {
      return new StorageError('ERR_STORAGE_UNAVAILABLE', 'injected failure; nothing was written')
    }
    return new StorageError(
      'ERR_STORAGE_CLOSED',
      this.#state === 'crashed' ? 'the store lost power' : 'the store is closed',
    )
  }
}
