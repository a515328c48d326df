/**
 * An engine over another, with rows that live in memory only (DESIGN §4, "ephemeral"): a `put` with `volatile` keeps
 * its bytes here and removes a durable row under its key; any other `put` or `delete` of the key ends the volatile row.
 * A key is never in both. Volatile rows take part in the commit that writes them: they are seen when it is, under its
 * revision, and not at all when it fails. Snapshots, scrubs and sums are of the durable rows.
 */
import { assertBatch, assertRange, isLargeBatch } from './batch.ts'
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
  Op,
  Precondition,
  Range,
  Row,
  RowCheck,
  RowIterator,
  ScrubOptions,
  ScrubReport,
  Snapshot,
  Space,
} from './engine.ts'
import { PreconditionError, StorageError } from './errors.ts'
import { MemoryIterator } from './memory-iterator.ts'
import { MergedIterator } from './merged-iterator.ts'
import { atOnce, inSlices } from './slices.ts'
import { SortedMap } from './sorted-map.ts'
import { Turns } from './turns.ts'

/** Volatile part of a commit that is under way, or of which nobody knows whether it is there. */
interface Pending {
  readonly revision: number
  readonly rows: ReadonlyMap<string, Row | undefined>
}

type VolatilePut = Extract<Op, { type: 'put' }> & { readonly volatile: true }

/** Bytes of volatile rows, unless told otherwise. */
const VOLATILE_BYTES = 64 * 1024 * 1024

export interface VolatileOverlayOptions {
  /** Most bytes of keys and values that are kept in memory; default 64 MiB. */
  readonly maxVolatileBytes?: number
}

export class VolatileOverlay implements Engine {
  readonly #engine: Engine
  readonly #maxBytes: number
  readonly #turns = new Turns()
  #rows = new SortedMap<Row>()
  #bytes = 0
  #count = 0
  #pending: Pending | undefined

  /** @param engine - owned from now on */
  constructor(engine: Engine, options: VolatileOverlayOptions = {}) {
    this.#engine = engine
    this.#maxBytes = options.maxVolatileBytes ?? VOLATILE_BYTES
  }

  get head(): number {
    return this.#engine.head
  }

  get generation(): string {
    return this.#engine.generation
  }

  get trimmed(): number {
    return this.#engine.trimmed
  }

  get limits(): EngineLimits {
    return this.#engine.limits
  }

  get state(): EngineState {
    return this.#engine.state
  }

  /** Bytes of the keys and values that are in memory only. */
  get volatileBytes(): number {
    return this.#bytes
  }

  /** Whether the row under a key is in memory only. */
  isVolatile(key: string): boolean {
    return this.#volatile(key) !== undefined
  }

  get(key: string): MaybePromise<Row | undefined> {
    return this.#volatile(key) ?? this.#engine.get(key)
  }

  getMany(keys: readonly string[]): MaybePromise<(Row | undefined)[]> {
    const rows = keys.map((key) => this.get(key))
    return rows.some((row) => row instanceof Promise)
      ? Promise.all(rows)
      : (rows as (Row | undefined)[])
  }

  iterate(range: Range): RowIterator {
    this.#settle()
    const durable = this.#engine.iterate(range)
    if (this.#count === 0) return durable
    assertRange(range)
    const open = (key: string, row: Row): KeyedRow => ({
      key,
      value: row.value,
      createRevision: row.createRevision,
      modifyRevision: row.modifyRevision,
    })
    const { limit, reverse = false } = range
    return new MergedIterator(new MemoryIterator(this.#rows, range, open), durable, reverse, limit)
  }

  commit(batch: Batch): Promise<CommitResult> {
    // In turns: the revision of a commit with volatile rows must be known when it begins.
    return this.#turns.run(() => this.#commit(batch))
  }

  async #commit(batch: Batch): Promise<CommitResult> {
    if (this.#pending !== undefined) {
      // What waits from a commit in doubt is decided now: it is there, or it never will be.
      await this.#engine.recover()
      this.#settle()
      this.#pending = undefined
    }
    if (this.#count === 0 && !batch.ops.some(isVolatilePut)) return this.#engine.commit(batch)
    const checked = assertBatch(batch, this.#engine.limits)
    if (isLargeBatch(batch, this.#engine.limits)) await inSlices(checked)
    else atOnce(checked)
    const durable: Op[] = []
    const changed = new Map<string, Row | undefined>()
    const revision = this.#engine.head + 1
    let bytes = this.#bytes
    for (const op of batch.ops) {
      const before = this.#rows.get(op.key)
      if (before !== undefined) bytes -= sizeOf(op.key, before)
      if (isVolatilePut(op)) {
        const row = {
          value: op.value,
          createRevision: before?.createRevision ?? revision,
          modifyRevision: revision,
        }
        bytes += sizeOf(op.key, row)
        changed.set(op.key, row)
        if (before === undefined && (await this.#engine.get(op.key)) !== undefined) {
          durable.push({ type: 'delete', key: op.key })
        }
        continue
      }
      if (before !== undefined) changed.set(op.key, undefined)
      if (before === undefined || op.type === 'put') durable.push(op)
    }
    if (bytes > this.#maxBytes && bytes > this.#bytes) {
      throw new StorageError('ERR_STORAGE_LIMIT', 'no room for more rows in memory')
    }
    const preconditions = this.#checkVolatile(batch.preconditions ?? [])
    this.#pending = { revision, rows: changed }
    try {
      return await this.#engine.commit({
        ops: durable,
        ...(preconditions.length === 0 ? {} : { preconditions }),
        ...(batch.change === undefined ? {} : { change: batch.change }),
      })
    } finally {
      this.#settle()
    }
  }

  changes(after: number): AsyncIterable<Change> {
    return this.#engine.changes(after)
  }

  trimChanges(upTo: number): Promise<void> {
    return this.#engine.trimChanges(upTo)
  }

  snapshot(): Snapshot {
    return this.#engine.snapshot()
  }

  compact(gte: string, lt: string, options?: CompactOptions): Promise<void> {
    return this.#engine.compact(gte, lt, options)
  }

  setCheckKey(check: RowCheck | undefined): void {
    this.#engine.setCheckKey(check)
  }

  verifyGuarded(spaces: readonly Space[]): Promise<void> {
    return this.#engine.verifyGuarded(spaces)
  }

  scrub(options?: ScrubOptions): Promise<ScrubReport> {
    return this.#engine.scrub(options)
  }

  stats(): EngineStats {
    return this.#engine.stats()
  }

  recover(): Promise<void> {
    return this.#engine.recover()
  }

  async close(): Promise<void> {
    await this.#turns.idle()
    this.#rows = new SortedMap()
    this.#bytes = 0
    this.#count = 0
    this.#pending = undefined
    await this.#engine.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #volatile(key: string): Row | undefined {
    if (this.#pending !== undefined) this.#settle()
    return this.#count === 0 ? undefined : this.#rows.get(key)
  }

  /** Rows become visible with their commit, and the head tells when that is there. */
  #settle(): void {
    const pending = this.#pending
    if (pending === undefined || this.#engine.head < pending.revision) return
    this.#pending = undefined
    for (const [key, row] of pending.rows) {
      const before = this.#rows.get(key)
      if (before !== undefined) {
        this.#bytes -= sizeOf(key, before)
        this.#count--
      }
      if (row !== undefined) {
        this.#bytes += sizeOf(key, row)
        this.#count++
      }
    }
    this.#rows = atOnce(this.#rows.with(pending.rows))
  }

  #checkVolatile(preconditions: readonly Precondition[]): readonly Precondition[] {
    return preconditions.filter(({ key, modifyRevision }) => {
      const row = this.#rows.get(key)
      if (row === undefined) return true
      if (row.modifyRevision !== modifyRevision) {
        throw new PreconditionError(key, row.modifyRevision)
      }
      return false
    })
  }
}

function isVolatilePut(op: Op): op is VolatilePut {
  return op.type === 'put' && op.volatile === true
}

function sizeOf(key: string, row: Row): number {
  return key.length + row.value.length
}
