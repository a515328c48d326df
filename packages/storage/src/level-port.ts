/** The part of `level` that the engine uses, so that tests can put faults between the two. */
import { Level } from 'level'
import { StorageError } from './errors.ts'

export type LevelOperation =
  | { readonly type: 'put'; readonly key: string | Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string | Uint8Array }

export interface LevelSnapshot {
  close(): Promise<void>
}

export interface LevelRange {
  readonly gte?: string
  readonly gt?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse?: boolean
  readonly limit?: number
  readonly snapshot?: LevelSnapshot
}

export interface LevelIterator {
  next(): Promise<[string, Uint8Array] | undefined>
  nextv(size: number): Promise<[string, Uint8Array][]>
  seek(key: string): void
  close(): Promise<void>
}

/** One atomic, synced write that is put together over many turns of the event loop. */
export interface LevelBatch {
  /** Takes a copy of the bytes. */
  add(operation: LevelOperation): void
  write(): Promise<void>
  /** Without an effect after {@link write}. */
  close(): Promise<void>
}

export interface LevelDatabase {
  getSync(key: string): Uint8Array | undefined
  getSync(key: string, options: { readonly snapshot: LevelSnapshot }): Uint8Array | undefined
  iterator(range: LevelRange): LevelIterator
  snapshot(): LevelSnapshot
  /** One atomic, synced write. */
  write(operations: readonly LevelOperation[]): Promise<void>
  batch(): LevelBatch
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
  close(): Promise<void>
}

export interface LevelOpenOptions {
  readonly createIfMissing: boolean
  readonly blockCacheBytes: number
  readonly writeBufferBytes: number
}

export type LevelOpener = (directory: string, options: LevelOpenOptions) => Promise<LevelDatabase>

/** Rejects with a StorageError. */
export const openLevel: LevelOpener = async (directory, options) => {
  const db = new Level<string, Uint8Array>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    createIfMissing: options.createIfMissing,
    // The table check reads blocks as they are.
    compression: false,
    cacheSize: options.blockCacheBytes,
    writeBufferSize: options.writeBufferBytes,
  })
  try {
    await db.open()
  } catch (error) {
    throw fromLevelError(error)
  }
  const startBatch = (): LevelBatch => {
    // A chained batch skips the copies that abstract-level makes of each operation in an array.
    const batch = db.batch()
    return {
      add: (op) => {
        const raw = typeof op.key !== 'string'
        if (op.type === 'put') {
          if (raw) batch.put(op.key as never, op.value, RAW_KEY)
          else batch.put(op.key as string, op.value)
        } else if (raw) batch.del(op.key as never, RAW_KEY)
        else batch.del(op.key as string)
      },
      write: () => batch.write({ sync: true }),
      close: () => batch.close(),
    }
  }
  return {
    getSync: (key: string, read?: { readonly snapshot: LevelSnapshot }) =>
      read === undefined ? db.getSync(key) : db.getSync(key, read as never),
    iterator: (range) =>
      db.iterator({ ...range, fillCache: false, highWaterMarkBytes: 1 << 20 } as never) as never,
    snapshot: () => db.snapshot(),
    write: (operations) => {
      const batch = startBatch()
      for (const op of operations) batch.add(op)
      return batch.write()
    },
    batch: startBatch,
    compactRange: (start, end) => (db as unknown as Compactable).compactRange(start, end, RAW_KEY),
    close: () => db.close(),
  }
}

/** Remove LevelDB's files from a directory that nobody has open; rejects with a StorageError. */
export async function destroyLevel(directory: string): Promise<void> {
  try {
    await (Level as unknown as Destroyable).destroy(directory)
  } catch (error) {
    throw fromLevelError(error)
  }
}

/** Part of classic-level, which `level` is in Node.js, but not of its declarations. */
interface Destroyable {
  destroy(directory: string): Promise<void>
}

/** Part of classic-level, which `level` is in Node.js, but not of its declarations. */
interface Compactable {
  compactRange(start: Uint8Array, end: Uint8Array, options: typeof RAW_KEY): Promise<void>
}

const RAW_KEY = { keyEncoding: 'view' } as const

/** errno texts of a medium that is full, as LevelDB passes them on (strerror). */
const FULL = /No space left on device|Disk quota exceeded|File too large/

export function isDiskFull(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (FULL.test(each.message) || /^(ENOSPC|EDQUOT|EFBIG)$/.test(String(codeOf(each)))) return true
  }
  return false
}

/** The storage error for a failed read or open; errors of ours pass. */
export function fromLevelError(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = codeOf(cause) ?? codeOf(error)
  const options = { cause: error }
  if (code === 'LEVEL_LOCKED') {
    return new StorageError(
      'ERR_STORAGE_LOCKED',
      'another process has this store open; one process owns a data directory',
      options,
    )
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StorageError('ERR_STORAGE_CORRUPT', `LevelDB: ${messageOf(cause)}`, options)
  }
  if (isDiskFull(error)) return new StorageError('ERR_STORAGE_FULL', 'the disk is full', options)
  return new StorageError('ERR_STORAGE_UNAVAILABLE', `LevelDB: ${messageOf(cause)}`, options)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

/** LevelDB's messages name files, offsets and at most a key, never values. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
