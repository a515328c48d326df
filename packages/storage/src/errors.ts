/** Errors of the storage contract; the code is the interface, the message is not. */

export type StorageErrorCode =
  /** A precondition did not hold; nothing was written. */
  | 'ERR_STORAGE_PRECONDITION'
  /** The write failed and is known not to be applied. */
  | 'ERR_STORAGE_WRITE_FAILED'
  /** The disk is full (or over quota); the write is known not to be applied. */
  | 'ERR_STORAGE_FULL'
  /** The write failed and it is not known whether it will be there after the next open. */
  | 'ERR_STORAGE_OUTCOME_UNKNOWN'
  /** Stored bytes are damaged or missing. */
  | 'ERR_STORAGE_CORRUPT'
  /** The store ends before a revision that is known to have been committed. */
  | 'ERR_STORAGE_ROLLED_BACK'
  /** The store cannot be used at present; nothing was written. */
  | 'ERR_STORAGE_UNAVAILABLE'
  /** A batch, key or value is larger than the engine's limits. */
  | 'ERR_STORAGE_LIMIT'
  | 'ERR_STORAGE_CLOSED'
  /** Another process owns the directory. */
  | 'ERR_STORAGE_LOCKED'
  /** The directory or a file in it is open to others, foreign or a symbolic link. */
  | 'ERR_STORAGE_PERMISSIONS'
  /** The directory is not a store of the format that this version works on. */
  | 'ERR_STORAGE_FORMAT'
  /** The change rows asked for have been trimmed. */
  | 'ERR_STORAGE_TRIMMED'

const BRAND: unique symbol = Symbol.for('@secreg/storage/error')

export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  readonly code: StorageErrorCode

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** A store of a format that this version does not open. */
export class StoreFormatError extends StorageError {
  override readonly name: string = 'StoreFormatError'
  /** Format of the store. */
  readonly found: number
  /** Whether `migrateStore` brings it to the format of this version; else a newer version wrote it. */
  readonly isOlder: boolean

  constructor(found: number, known: number) {
    super(
      'ERR_STORAGE_FORMAT',
      found < known
        ? `the store has format ${found}, and this version works on format ${known}: run secregd migrate`
        : `the store has format ${found}; this version knows formats up to ${known}`,
    )
    this.found = found
    this.isOlder = found < known
  }
}

export class PreconditionError extends StorageError {
  override readonly name: string = 'PreconditionError'
  readonly key: string
  /** Modify revision found; 0 = absent. */
  readonly found: number

  constructor(key: string, found: number) {
    super('ERR_STORAGE_PRECONDITION', 'the row was changed since it was read')
    this.key = key
    this.found = found
  }
}

/** True also for errors of another installed copy of this package. */
export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  if (!(error instanceof Error) || !(BRAND in error)) return false
  return code === undefined || ('code' in error && error.code === code)
}
