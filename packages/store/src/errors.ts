/** The one error class of this package. Messages name secrets and fields, never their values. */

/** Stable codes of {@link StoreError}. */
export type StoreErrorCode =
  /** The start failed: the source answers for these names what no waiting mends. */
  | 'ERR_STORE_REFUSED'
  /** The start was given up before every name had a value. */
  | 'ERR_STORE_UNAVAILABLE'
  /** Some names could not be refreshed; they keep their values. */
  | 'ERR_STORE_REFRESH'
  /** The source gave no answer in time. */
  | 'ERR_STORE_TIMEOUT'
  /** The source answered something that is no value with a version. */
  | 'ERR_STORE_ANSWER'
  /** The source has stopped watching. */
  | 'ERR_STORE_WATCH_ENDED'
  /** There are too many undeclared secrets. */
  | 'ERR_STORE_FULL'
  /** The cache, or a file of secrets, is not in the format. */
  | 'ERR_STORE_FORMAT'
  /** The cache file is not a private regular file of this user. */
  | 'ERR_STORE_FILE_UNSAFE'
  /** The value is not UTF-8. */
  | 'ERR_STORE_NOT_TEXT'
  /** The value is not what its field expects. */
  | 'ERR_STORE_FIELD'
  /** The store or updater is closed. */
  | 'ERR_STORE_CLOSED'

/** Optional parts of an error. */
export interface StoreErrorOptions {
  readonly cause?: unknown
  readonly names?: readonly string[]
}

const BRAND: symbol = Symbol.for('@secreg/store/StoreError')

/** A failure of the store. `code` is stable within a major version, the message is not. */
export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly code: StoreErrorCode
  /** Secrets that it is about, sorted; may be empty. */
  readonly names: readonly string[]

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.names = options.names ?? []
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: StoreErrorCode): value is StoreError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as StoreError).code === code)
    )
  }
}

const LISTED = 20

/** Names for a message: quoted, the first twenty. */
export function listNames(names: readonly string[]): string {
  const listed = names.slice(0, LISTED).map((name) => JSON.stringify(name))
  const more = names.length - listed.length
  return more > 0 ? `${listed.join(', ')} and ${more} more` : listed.join(', ')
}

/** The error of everything that is asked of a closed store. */
export function closedError(): StoreError {
  return new StoreError('ERR_STORE_CLOSED', 'the store is closed')
}
