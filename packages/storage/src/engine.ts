/**
 * The storage contract (DESIGN §5): an ordered key-value store with revisions, atomic synced
 * batches, preconditions, a change sequence and snapshots. Engines own the revisions, so that a
 * store which assigns them at commit time can stand behind the same interface.
 *
 * Keys are well-formed strings of 1 to 1024 bytes of UTF-8, ordered by those bytes (code point
 * order, which differs from the order of UTF-16 units above U+D7FF).
 */

export type MaybePromise<T> = T | Promise<T>

/** One stored row. The bytes are read-only by contract and may be shared between callers. */
export interface Row {
  readonly value: Uint8Array
  /** Revision of the commit that made the key exist; kept on overwrite, new after a delete. */
  readonly createRevision: number
  /** Revision of the commit that last wrote the key. */
  readonly modifyRevision: number
}

export interface KeyedRow extends Row {
  readonly key: string
}

export type Op =
  | {
      readonly type: 'put'
      readonly key: string
      readonly value: Uint8Array
      /**
       * The caller knows that there is no such key, because it is never used twice; the engine need not look. Where that
       * is wrong, a scrub reports the store.
       */
      readonly fresh?: true
      /** Nobody is expected to ask for it soon: a cache need not keep it. */
      readonly cold?: true
      /** Only in memory, gone with the process; for a `VolatileOverlay`, other engines ignore it. */
      readonly volatile?: true
    }
  | { readonly type: 'delete'; readonly key: string }

/** The commit applies only if `key` has exactly this modify revision; 0 means absent. */
export interface Precondition {
  readonly key: string
  readonly modifyRevision: number
}

export interface Batch {
  /** At most one operation per key. The engine reads the batch and its values until the commit settles. */
  readonly ops: readonly Op[]
  readonly preconditions?: readonly Precondition[]
  /** Opaque payload kept in this commit's change row. */
  readonly change?: Uint8Array
}

export interface CommitResult {
  readonly revision: number
}

/** Bounds in key order; `gte` excludes `gt`, `lte` excludes `lt`. */
export interface Range {
  readonly gte?: string
  readonly gt?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse?: boolean
  /** Rows returned in the iterator's whole life; absent = all. */
  readonly limit?: number
}

/** Rows of a range as they were when the iterator was made. One call at a time. */
export interface RowIterator extends AsyncIterable<KeyedRow> {
  next(): Promise<KeyedRow | undefined>
  /** Up to `size` rows (1 or more); an empty page means the end. */
  nextPage(size: number): Promise<KeyedRow[]>
  /**
   * Continue at the first row at or after `key` (before it, when reverse). A key outside the
   * range ends the iteration.
   */
  seek(key: string): void
  /** Nothing follows after it. */
  close(): Promise<void>
}

export interface Reader {
  get(key: string): MaybePromise<Row | undefined>
  getMany(keys: readonly string[]): MaybePromise<(Row | undefined)[]>
  iterate(range: Range): RowIterator
}

/** A fixed view of the store at `revision`. */
export interface Snapshot extends Reader {
  readonly revision: number
  close(): Promise<void>
}

/** What one commit did. */
export interface Change {
  readonly revision: number
  readonly payload: Uint8Array | undefined
  /** Keys put or deleted, in the order of the batch. */
  readonly keys: readonly string[]
}

export interface EngineLimits {
  readonly maxOps: number
  /** Keys, values and change payload of one batch together. */
  readonly maxBytes: number
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
}

export type EngineState = 'open' | 'failed' | 'closed'

/** Keyed check over rows, injected once the keys are known (DESIGN §5: keyed once unsealed). */
export interface RowCheck {
  /** 16 bytes over `key` and `row` (format, flags, revisions and value), unambiguously framed. */
  tag(key: string, row: Uint8Array): Uint8Array
  /** Whether rows under this key carry a tag; default: all. */
  covers?(key: string): boolean
  /**
   * Whether the row under this key authorises something, so that `verifyGuarded` accounts for it;
   * default: none does. Such rows must be covered. The head holds a sum over them, so the answer
   * for a key must never change in the life of a store.
   */
  guards?(key: string): boolean
}

/** A half-open range of keys. */
export interface Space {
  readonly gte: string
  readonly lt: string
}

export interface ScrubProgress {
  readonly rows: number
  readonly tables: number
  readonly bytes: number
}

export interface ScrubOptions {
  readonly signal?: AbortSignal
  /** Rows checked before the event loop gets a turn; default 128. */
  readonly sliceRows?: number
  /** Called after each slice. */
  readonly onProgress?: (progress: ScrubProgress) => void
}

export interface ScrubFinding {
  /** `stale`: a row that somebody has removed, inserted or replaced by an older copy of itself. */
  readonly kind: 'row' | 'stale' | 'change' | 'table' | 'count'
  /** Key of the row ('' where only that there is one is known), name of the file, or what was counted. Never a value. */
  readonly subject: string
  readonly detail: string
}

export interface ScrubReport {
  readonly revision: number
  readonly rows: number
  readonly changes: number
  readonly tables: number
  readonly bytes: number
  /** The first 100; empty when everything was right. */
  readonly findings: readonly ScrubFinding[]
}

/** Numbers that cost nothing to collect. */
export interface EngineStats {
  readonly rows: number
  readonly commits: number
  /** Synced writes asked of the medium, commits included. */
  readonly syncs: number
  readonly cacheHits: number
  readonly cacheMisses: number
  readonly cacheRows: number
  readonly cacheBytes: number
  readonly reopenings: number
}

export interface CompactOptions {
  /** Stops waiting for open iterators and snapshots, and between rounds. */
  readonly signal?: AbortSignal
}

/** All methods throw or reject with a `StorageError`; see its codes. */
export interface Engine extends Reader {
  /** Revision of the last commit; 0 = none. */
  readonly head: number
  /** Random id of this store's life, 32 hex digits. */
  readonly generation: string
  readonly limits: EngineLimits
  readonly state: EngineState
  /**
   * Atomic and synced; grows `head` by exactly one. Calls take turns in the order made. A large
   * batch is worked on in slices of a few milliseconds; readers see nothing of it meanwhile.
   */
  commit(batch: Batch): Promise<CommitResult>
  /** Commits after revision `after`, oldest first, up to the head at the time of the call. */
  changes(after: number): AsyncIterable<Change>
  /** Revision up to which change rows have been dropped; 0 = none. */
  readonly trimmed: number
  /** Drop change rows up to and including `upTo`. */
  trimChanges(upTo: number): Promise<void>
  snapshot(): Snapshot
  /**
   * Make overwritten and deleted bytes in [gte, lt) leave the disk; `lt` '' means to the end.
   * Waits for iterators and snapshots opened before the call.
   */
  compact(gte: string, lt: string, options?: CompactOptions): Promise<void>
  /**
   * From now on rows carry the check's tag and are refused without, and the head's own tag is
   * verified, now and whenever the store was opened again. Once a commit was made under a check,
   * none is made without it (ERR_STORAGE_UNAVAILABLE).
   *
   * @throws StorageError ERR_STORAGE_CORRUPT when the head was not written under this check, unless
   *   nothing was ever committed; ERR_STORAGE_UNAVAILABLE when the store is not open; what was set
   *   before then stays
   */
  setCheckKey(check: RowCheck | undefined): void
  /**
   * Read all rows of the spaces, which together hold every row that the check guards, and verify
   * that none of those was removed, inserted, or replaced by an older copy of itself. In slices.
   *
   * @throws StorageError ERR_STORAGE_CORRUPT, naming the row where the change history tells;
   *   ERR_STORAGE_UNAVAILABLE when no check is set
   */
  verifyGuarded(spaces: readonly Space[]): Promise<void>
  scrub(options?: ScrubOptions): Promise<ScrubReport>
  stats(): EngineStats
  /** After a failed write: try to come back now (bounded like a commit's own attempt). */
  recover(): Promise<void>
  /** Waits for work under way; idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Defaults of both engines. */
export const DEFAULT_LIMITS: EngineLimits = Object.freeze({
  maxOps: 524_288,
  maxBytes: 256 * 1024 * 1024,
  maxKeyBytes: 1024,
  maxValueBytes: 16 * 1024 * 1024,
})
