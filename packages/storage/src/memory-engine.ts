/** An engine without a disk, with the semantics of the LevelDB one; for tests and trials. */
import { randomBytes } from 'node:crypto'
import { assertBatch, assertRange, assertRevision, isLargeBatch } from './batch.ts'
import {
  type Batch,
  type Change,
  type CommitResult,
  DEFAULT_LIMITS,
  type Engine,
  type EngineLimits,
  type EngineState,
  type EngineStats,
  type KeyedRow,
  type Range,
  type Row,
  type RowCheck,
  type RowIterator,
  type ScrubFinding,
  type ScrubOptions,
  type ScrubReport,
  type Snapshot,
} from './engine.ts'
import { isStorageError, PreconditionError, StorageError } from './errors.ts'
import { assertBound, assertKey } from './keys.ts'
import { MemoryIterator } from './memory-iterator.ts'
import { decodeRow, encodeRow, type StoredRow } from './row-format.ts'
import { atOnce, inSlices, type Steps } from './slices.ts'
import { SortedMap } from './sorted-map.ts'
import { Turns } from './turns.ts'

/** Bytes as they would be stored, with the row that was verified from them under `check`. */
interface Entry {
  readonly bytes: Uint8Array
  row: StoredRow
  check: RowCheck | undefined
}

interface StoredChange {
  readonly keys: readonly string[]
  readonly payload: Uint8Array | undefined
}

export class MemoryEngine implements Engine {
  readonly limits: EngineLimits = DEFAULT_LIMITS
  readonly generation: string = randomBytes(16).toString('hex')
  readonly #turns = new Turns()
  readonly #changes = new Map<number, StoredChange>()
  #rows = new Map<string, Entry>()
  /** Entries as they were before the commit under way, which is not to be seen before its end. */
  #past: Map<string, Entry | undefined> | undefined
  #sorted: SortedMap<Entry> = new SortedMap()
  #head = 0
  #trimmed = 0
  #check: RowCheck | undefined
  #closing: Promise<void> | undefined
  #closed = false
  #hits = 0

  get head(): number {
    return this.#head
  }

  get trimmed(): number {
    return this.#trimmed
  }

  get state(): EngineState {
    return this.#closed ? 'closed' : 'open'
  }

  get(key: string): Row | undefined {
    this.#assertOpen()
    const entry = this.#entry(key)
    if (entry === undefined) {
      assertKey(key, this.limits.maxKeyBytes)
      return undefined
    }
    this.#hits++
    return this.#verified(key, entry)
  }

  getMany(keys: readonly string[]): (Row | undefined)[] {
    return keys.map((key) => this.get(key))
  }

  iterate(range: Range): RowIterator {
    return this.#iterate(this.#sorted, range)
  }

  snapshot(): Snapshot {
    this.#assertOpen()
    const sorted = this.#sorted
    const get = (key: string): Row | undefined => {
      this.#assertOpen()
      assertKey(key, this.limits.maxKeyBytes)
      const entry = sorted.get(key)
      return entry === undefined ? undefined : this.#verified(key, entry)
    }
    return {
      revision: this.#head,
      get,
      getMany: (keys) => keys.map(get),
      iterate: (range) => this.#iterate(sorted, range),
      close: async () => {},
    }
  }

  async commit(batch: Batch): Promise<CommitResult> {
    const large = isLargeBatch(batch, this.limits)
    if (!large) atOnce(assertBatch(batch, this.limits))
    if (this.#closing !== undefined) throw closed()
    return this.#turns.run(async () => {
      if (!large) return atOnce(this.#commit(batch))
      await inSlices(assertBatch(batch, this.limits))
      return inSlices(this.#commit(batch))
    })
  }

  async *changes(after: number): AsyncGenerator<Change> {
    assertRevision(after, 'after')
    this.#assertOpen()
    if (after < this.#trimmed) {
      throw new StorageError(
        'ERR_STORAGE_TRIMMED',
        `changes up to revision ${this.#trimmed} have been dropped`,
      )
    }
    const changes: Change[] = []
    for (let revision = after + 1; revision <= this.#head; revision++) {
      changes.push({ revision, ...(this.#changes.get(revision) as StoredChange) })
    }
    for (const change of changes) {
      this.#assertOpen()
      yield change
    }
  }

  async trimChanges(upTo: number): Promise<void> {
    assertRevision(upTo, 'upTo')
    await this.#turns.run(async () => {
      this.#assertOpen()
      const last = Math.min(upTo, this.#head)
      while (this.#trimmed < last) {
        this.#trimmed++
        this.#changes.delete(this.#trimmed)
      }
    })
  }

  async compact(gte: string, lt: string): Promise<void> {
    assertBound(gte, 'gte')
    assertBound(lt, 'lt')
    await this.#turns.run(async () => this.#assertOpen())
  }

  setCheckKey(check: RowCheck | undefined): void {
    this.#check = check
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    this.#assertOpen()
    const findings: ScrubFinding[] = []
    const revision = this.#head
    const changes = this.#head - this.#trimmed
    let rows = 0
    let bytes = 0
    for (const key of [...this.#rows.keys()]) {
      const entry = this.#entry(key)
      if (entry === undefined) continue
      rows++
      bytes += entry.bytes.length
      try {
        this.#decode(key, entry.bytes)
      } catch (error) {
        if (!isStorageError(error)) throw error
        if (findings.length < 100) {
          findings.push({ kind: 'row', subject: key, detail: error.message })
        }
      }
    }
    options.onProgress?.({ rows, tables: 0, bytes })
    options.signal?.throwIfAborted()
    return { revision, rows, changes, tables: 0, bytes, findings }
  }

  stats(): EngineStats {
    return {
      rows: this.#rows.size,
      commits: this.#head,
      syncs: this.#head,
      cacheHits: this.#hits,
      cacheMisses: 0,
      cacheRows: 0,
      cacheBytes: 0,
      reopenings: 0,
    }
  }

  async recover(): Promise<void> {
    this.#assertOpen()
  }

  close(): Promise<void> {
    this.#closing ??= this.#turns.idle().then(() => {
      this.#closed = true
    })
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  *#commit(batch: Batch): Steps<CommitResult> {
    this.#assertOpen()
    for (const { key, modifyRevision } of batch.preconditions ?? []) {
      const found = this.#current(key)?.modifyRevision ?? 0
      if (found !== modifyRevision) throw new PreconditionError(key, found)
      yield
    }
    const revision = this.#head + 1
    const check = this.#check
    const written = new Map<string, Entry | undefined>()
    for (const op of batch.ops) {
      const { key } = op
      const old = this.#current(key)
      if (old !== undefined && op.type === 'put' && op.fresh === true) {
        throw new TypeError('batch.ops: a fresh key exists already')
      }
      const created = old?.createRevision ?? revision
      written.set(
        key,
        op.type === 'put'
          ? { ...encodeRow(key, key, op.value, created, revision, check), check }
          : undefined,
      )
      yield
    }
    const sorted = yield* this.#sorted.with(written)
    const keys: string[] = []
    this.#past = new Map()
    for (const [key, entry] of written) {
      this.#past.set(key, this.#rows.get(key))
      if (entry === undefined) this.#rows.delete(key)
      else this.#rows.set(key, entry)
      keys.push(key)
      yield
    }
    this.#changes.set(revision, { keys, payload: batch.change?.slice() })
    this.#past = undefined
    this.#sorted = sorted
    this.#head = revision
    return { revision }
  }

  #entry(key: string): Entry | undefined {
    return this.#past?.has(key) ? this.#past.get(key) : this.#rows.get(key)
  }

  #current(key: string): Row | undefined {
    const entry = this.#entry(key)
    return entry === undefined ? undefined : this.#verified(key, entry)
  }

  /** The same row object as long as check and bytes stay the same. */
  #verified(key: string, entry: Entry): Row {
    if (entry.check !== this.#check) {
      entry.row = this.#decode(key, entry.bytes)
      entry.check = this.#check
    }
    return entry.row
  }

  #decode(key: string, bytes: Uint8Array): StoredRow {
    return decodeRow(key, key, bytes, this.#check)
  }

  #iterate(sorted: SortedMap<Entry>, range: Range): RowIterator {
    assertRange(range)
    this.#assertOpen()
    return new MemoryIterator(sorted, range, (key, entry): KeyedRow => {
      this.#assertOpen()
      const { value, createRevision, modifyRevision } = this.#verified(key, entry)
      return { key, value, createRevision, modifyRevision }
    })
  }

  #assertOpen(): void {
    if (this.#closed) throw closed()
  }
}

function closed(): StorageError {
  return new StorageError('ERR_STORAGE_CLOSED', 'the store is closed')
}
