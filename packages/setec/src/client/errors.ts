/** The error class of the client half. Messages name operations and secrets, never values or credentials. */
import type { SetecOperation } from '../api/operation.ts'

/** Stable codes of {@link SetecError}. */
export type SetecErrorCode =
  /** 404: no such secret or version. */
  | 'ERR_SETEC_NOT_FOUND'
  /** 403: no right to it. */
  | 'ERR_SETEC_ACCESS_DENIED'
  /** 412: the number of the version is used, or was. */
  | 'ERR_SETEC_VERSION_CLAIMED'
  /** 401: the server does not know who asks. */
  | 'ERR_SETEC_UNIDENTIFIED'
  /** 429: too many requests; `retryAfterSeconds` says when to try again. */
  | 'ERR_SETEC_TOO_MANY_REQUESTS'
  /** 503: the server, or what it needs, is away for now. */
  | 'ERR_SETEC_UNAVAILABLE'
  /** Any other status but 200. */
  | 'ERR_SETEC_STATUS'
  /** The server was not reached, or the connection was lost. */
  | 'ERR_SETEC_TRANSPORT'
  /** No whole answer in time. */
  | 'ERR_SETEC_TIMEOUT'
  /** The answer is too long, or not what the operation answers. */
  | 'ERR_SETEC_ANSWER'

/** Optional parts of an error. */
export interface SetecErrorOptions {
  readonly cause?: unknown
  readonly operation?: SetecOperation | undefined
  readonly secret?: string | undefined
  readonly status?: number | undefined
  readonly retryAfterSeconds?: number | undefined
}

const BRAND: symbol = Symbol.for('@secreg/setec/SetecError')

/** A request that failed. `code` is stable within a major version, the message is not. */
export class SetecError extends Error {
  override readonly name: string = 'SetecError'
  readonly code: SetecErrorCode
  readonly operation: SetecOperation | undefined
  /** Name of the secret that was asked for. */
  readonly secret: string | undefined
  /** Status of the answer, where there was one. */
  readonly status: number | undefined
  /** Seconds after which the server wants to be asked again, where it said so. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: SetecErrorCode, message: string, options: SetecErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.operation = options.operation
    this.secret = options.secret
    this.status = options.status
    this.retryAfterSeconds = options.retryAfterSeconds
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: SetecErrorCode): value is SetecError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as SetecError).code === code)
    )
  }
}

/** Statuses of a request that is wrong, whoever sends it and whenever. */
const WRONG_REQUEST: ReadonlySet<number | undefined> = new Set([400, 405, 411, 413, 414, 415, 422])

/** Whether waiting cannot mend an error: a request that is wrong, denied, or of nobody that the server knows. */
export function isPermanentSetecError(error: unknown): boolean {
  if (!SetecError.is(error)) return false
  const { code, status } = error
  return (
    code === 'ERR_SETEC_ACCESS_DENIED' ||
    code === 'ERR_SETEC_UNIDENTIFIED' ||
    (code === 'ERR_SETEC_STATUS' && WRONG_REQUEST.has(status))
  )
}
