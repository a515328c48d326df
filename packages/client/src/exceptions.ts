/** Exceptions with the names of the documented library (SecReg-Linux docs/API.md, "Error handling"). */
import { type SecregError, SecregError as SecregErrorClass, type Status } from '@secreg/protocol'

const BRAND: symbol = Symbol.for('@secreg/client/SecRegException')

/** Any failure that the registry answers with. `code` and `reason` are stable, the message is not. */
export class SecRegException extends Error {
  override name = 'SecRegException'
  /** `ERR_` and the reason. */
  readonly code: string
  /** Why: a stable word, for example `STORAGE_KEY_NOT_FOUND`. */
  readonly reason: string
  /** Documented status, 1 to 8; the exit code of `sreg`. */
  readonly status: Status
  /** Finer number of the reason. */
  readonly errno: number
  /** Seconds after which trying again can succeed, where the registry says so. */
  readonly retryAfter: number | undefined

  constructor(error: SecregError) {
    super(error.message, { cause: error })
    this.code = error.code
    this.reason = error.reason
    this.status = error.status
    this.errno = error.errno
    this.retryAfter = error.retryAfterSeconds
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an exception of this family from any other, also across two installed copies of this package. */
  static is(value: unknown): value is SecRegException {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

/** No such key, or no such other thing. */
export class KeyNotFoundException extends SecRegException {
  override name = 'KeyNotFoundException'
}

/** The policy does not allow it. */
export class AccessDeniedException extends SecRegException {
  override name = 'AccessDeniedException'
}

/** The exception of an error; what is no error of the registry is given back as it is. */
export function exceptionOf(error: unknown): unknown {
  if (!SecregErrorClass.is(error)) return error
  if (error.statusName === 'NotFound') return new KeyNotFoundException(error)
  if (error.statusName === 'AccessDenied') return new AccessDeniedException(error)
  return new SecRegException(error)
}
