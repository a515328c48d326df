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
  type Space,
} from './engine.ts'
import { isStorageError, PreconditionError, StorageError } from './errors.ts'
import { notChecked, orderSpaces, verifyGuardedRows } from './guarded-rows.ts'
import { assertWritable, decodeHeadRow, encodeHeadRow, type Head, newHead } from './head-row.ts'
import { assertBound, assertKey } from './keys.ts'
import { type ChangeKey, DATA_SPACE } from './layout.ts'
import { entriesIn, type MemoryMoment, memoryHistory, readMemorySpaces } from './memory-history.ts'
import { MemoryIterator } from './memory-iterator.ts'
import { decodeRow, encodeRow, type StoredRow } from './row-format.ts'
import { atOnce, inSlices, type Steps } from './slices.ts'
import { SortedMap } from './sorted-map.ts'
import { findWrongSums } from './stale-rows.ts'
import { StoreCheck } from './store-check.ts'
import { Turns } from './turns.ts'

/** Bytes as they would be stored, with the row that was verified from them under `check`. */
interface Entry {
  readonly bytes: Uint8Array
  row: StoredRow
  check: StoreCheck | undefined
}

interface StoredChange {
  readonly keys: readonly ChangeKey[]
  readonly payload: Uint8Array | undefined
}

/** Stored bytes of a row as somebody reaches them who is no engine; for tests of what that does. */
export interface MemoryMedium {
  read(key: string): Uint8Array | undefined
  write(key: string, bytes: Uint8Array | undefined): void
}

/** Set by the class, which alone reaches its own private parts. */
let reach: (engine: MemoryEngine) => MemoryMedium

export function mediumOf(engine: MemoryEngine): MemoryMedium {
  return reach(engine)
}

export class MemoryEngine implements Engine {
  static {
    reach = (engine) => ({
      read: (key) => engine.#rows.get(key)?.bytes,
      write: (key, bytes) => engine.#overwrite(key, bytes),
    })
  }

  readonly limits: EngineLimits = DEFAULT_LIMITS
  readonly generation: string = randomBytes(16).toString('hex')
  readonly #turns = new Turns()
  readonly #changes = new Map<number, StoredChange>()
  #rows = new Map<string, Entry>()
  /** Entries as they were before the commit under way, which is not to be seen before its end. */
  #past: Map<string, Entry | undefined> | undefined
  #sorted: SortedMap<Entry> = new SortedMap()
  #head: Head = newHead(this.generation)
  #headRow: Uint8Array = encodeHeadRow(this.#head, undefined)
  #trimmed = 0
  #check: StoreCheck | undefined
  #closing: Promise<void> | undefined
  #closed = false
  #hits = 0

  get head(): number {
    return this.#head.revision
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
      revision: this.head,
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
    for (let revision = after + 1; revision <= this.head; revision++) {
      const { keys, payload } = this.#changes.get(revision) as StoredChange
      changes.push({ revision, payload, keys: keys.map(({ key }) => key) })
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
      const last = Math.min(upTo, this.head)
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
    const next = check === undefined ? undefined : new StoreCheck(check, this.generation)
    if (next !== undefined) {
      this.#assertOpen()
      decodeHeadRow(this.#headRow, next)
    }
    this.#check = next
  }

  async verifyGuarded(spaces: readonly Space[]): Promise<void> {
    const ordered = orderSpaces(spaces)
    await this.#turns.run(async () => {
      this.#assertOpen()
      const check = this.#check
      if (check === undefined) throw notChecked()
      const open = (key: string, bytes: Uint8Array): StoredRow => this.#decode(key, bytes, check)
      await verifyGuardedRows({
        pages: readMemorySpaces(this.#sorted, ordered, open),
        head: this.#head,
        check,
        history: memoryHistory(this.#moment(), ordered),
      })
    })
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    this.#assertOpen()
    const findings: ScrubFinding[] = []
    const find = (kind: ScrubFinding['kind'], subject: string, detail: string): void => {
      if (findings.length < 100) findings.push({ kind, subject, detail })
    }
    const head = this.#head
    const changes = head.revision - this.#trimmed
    const moment = this.#moment()
    const check = this.#check
    const sums = check?.start()
    let rows = 0
    let bytes = 0
    for (const [key, entry] of entriesIn(moment.rows, {})) {
      rows++
      bytes += entry.bytes.length
      try {
        const row = this.#decode(key, entry.bytes, check)
        sums?.add(key, row)
      } catch (error) {
        if (!isStorageError(error)) throw error
        find('row', key, error.message)
      }
    }
    options.onProgress?.({ rows, tables: 0, bytes })
    options.signal?.throwIfAborted()
    const areSound = findings.length === 0
    if (rows !== head.rows) find('count', 'rows', `found ${rows}, expected ${head.rows}`)
    if (areSound && sums !== undefined) {
      for await (const { kind, subject, detail } of findWrongSums(
        sums,
        head,
        memoryHistory(moment),
      )) {
        find(kind, subject, detail)
      }
    }
    return { revision: head.revision, rows, changes, tables: 0, bytes, findings }
  }

  stats(): EngineStats {
    return {
      rows: this.#rows.size,
      commits: this.head,
      syncs: this.head,
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
    const revision = this.head + 1
    const check = this.#check
    assertWritable(this.#head, check)
    const sums = check?.resume(this.#head)
    let rows = this.#head.rows
    const written = new Map<string, Entry | undefined>()
    for (const op of batch.ops) {
      const { key } = op
      const old = this.#current(key)
      if (old !== undefined && op.type === 'put' && op.fresh === true) {
        throw new TypeError('batch.ops: a fresh key exists already')
      }
      if (old !== undefined) {
        rows--
        sums?.remove(key, old)
      }
      let entry: Entry | undefined
      if (op.type === 'put') {
        const created = old?.createRevision ?? revision
        const { bytes, row } = encodeRow(
          DATA_SPACE + key,
          key,
          op.value,
          created,
          revision,
          check?.rows,
        )
        entry = { bytes, row, check }
        rows++
        sums?.add(key, row)
      }
      written.set(key, entry)
      yield
    }
    const head: Head = {
      revision,
      generation: this.generation,
      rows,
      rowSum: 0,
      sums: sums?.seal(revision) ?? this.#head.sums,
      keyed: check !== undefined,
    }
    const headRow = encodeHeadRow(head, check)
    const sorted = yield* this.#sorted.with(written)
    const keys: ChangeKey[] = []
    this.#past = new Map()
    for (const [key, entry] of written) {
      this.#past.set(key, this.#rows.get(key))
      if (entry === undefined) this.#rows.delete(key)
      else this.#rows.set(key, entry)
      keys.push({ key, put: entry !== undefined })
      yield
    }
    this.#changes.set(revision, { keys, payload: batch.change?.slice() })
    this.#past = undefined
    this.#sorted = sorted
    this.#head = head
    this.#headRow = headRow
    return { revision }
  }

  #entry(key: string): Entry | undefined {
    return this.#past?.has(key) ? this.#past.get(key) : this.#rows.get(key)
  }

  #current(key: string): StoredRow | undefined {
    const entry = this.#entry(key)
    return entry === undefined ? undefined : this.#verified(key, entry)
  }

  /** The same row object as long as check and bytes stay the same. */
  #verified(key: string, entry: Entry): StoredRow {
    if (entry.check !== this.#check) {
      entry.row = this.#decode(key, entry.bytes, this.#check)
      entry.check = this.#check
    }
    return entry.row
  }

  #decode(key: string, bytes: Uint8Array, check: StoreCheck | undefined): StoredRow {
    return decodeRow(DATA_SPACE + key, key, bytes, check?.rows)
  }

  #moment(): MemoryMoment<Entry> {
    const [rows, changes] = [this.#sorted, this.#changes]
    return { rows, changes, head: this.head, trimmed: this.#trimmed }
  }

  /** Change the medium behind the engine's back. */
  #overwrite(key: string, bytes: Uint8Array | undefined): void {
    const entry = bytes && { bytes, row: this.#decode(key, bytes, undefined), check: undefined }
    if (entry === undefined) this.#rows.delete(key)
    else this.#rows.set(key, entry)
    this.#sorted = atOnce(this.#sorted.with(new Map([[key, entry]])))
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
