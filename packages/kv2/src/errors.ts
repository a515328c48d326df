/** The error class of the client. Messages are fixed texts: no path, value, credential or text of a server is in any. */

/** What the client does, also on its own behalf. */
export type Kv2Operation =
  | 'read'
  | 'write'
  | 'patch'
  | 'delete-latest'
  | 'delete-versions'
  | 'undelete'
  | 'destroy-versions'
  | 'delete-metadata'
  | 'read-metadata'
  | 'patch-metadata'
  | 'write-metadata'
  | 'list'
  | 'subkeys'
  | 'config'
  | 'login'
  | 'lookup'
  | 'renew'

/** Stable codes of {@link Kv2Error}. */
export type Kv2ErrorCode =
  /** A path or mount that is not plain segments; refused before anything is sent. */
  | 'ERR_KV2_INVALID_PATH'
  /** Check-and-set: the version is not the current one. */
  | 'ERR_KV2_CAS_MISMATCH'
  /** Check-and-set is demanded of this write. */
  | 'ERR_KV2_CAS_REQUIRED'
  /** The token may not do this, or is none any more. */
  | 'ERR_KV2_DENIED'
  /** The server knows no such credentials, or gave no token. */
  | 'ERR_KV2_NOT_AUTHENTICATED'
  /** Too many requests for the server; `retryAfterSeconds` where it said so. */
  | 'ERR_KV2_THROTTLED'
  /** The server is sealed. */
  | 'ERR_KV2_SEALED'
  /** Not reached, cut off, or a failure of the server. */
  | 'ERR_KV2_UNAVAILABLE'
  /** The transport failed by itself, which tells nothing of the server. */
  | 'ERR_KV2_TRANSPORT_FAILED'
  /** No whole answer in time. */
  | 'ERR_KV2_TIMEOUT'
  /** An answer that is not what the operation answers. */
  | 'ERR_KV2_ANSWER_INVALID'
  /** An answer longer than the limit; no more of it was read. */
  | 'ERR_KV2_ANSWER_TOO_LARGE'
  /** Sent on to where the client does not go, or too often. */
  | 'ERR_KV2_REDIRECT_REFUSED'
  /** Nothing was sent, since the last calls failed. */
  | 'ERR_KV2_CIRCUIT_OPEN'
  /** Nothing was sent, since too many calls are under way, here or in the transport. */
  | 'ERR_KV2_BUSY'
  /** There is no such mount, namespace or endpoint, or it is not of version 2. */
  | 'ERR_KV2_NO_ROUTE'
  /** The server knows no such operation. */
  | 'ERR_KV2_UNSUPPORTED'
  /** The server finds the request wrong. */
  | 'ERR_KV2_REFUSED'
  /** The client is closed. */
  | 'ERR_KV2_CLOSED'

const MESSAGES: Readonly<Record<Kv2ErrorCode, string>> = Object.freeze({
  ERR_KV2_INVALID_PATH: 'the path is refused',
  ERR_KV2_CAS_MISMATCH: 'the version is not the current one',
  ERR_KV2_CAS_REQUIRED: 'a write needs the current version here',
  ERR_KV2_DENIED: 'the server denies it',
  ERR_KV2_NOT_AUTHENTICATED: 'the login was refused',
  ERR_KV2_THROTTLED: 'too many requests for the server',
  ERR_KV2_SEALED: 'the server is sealed',
  ERR_KV2_UNAVAILABLE: 'the server is unavailable',
  ERR_KV2_TRANSPORT_FAILED: 'the transport failed',
  ERR_KV2_TIMEOUT: 'no answer in time',
  ERR_KV2_ANSWER_INVALID: 'the answer is malformed',
  ERR_KV2_ANSWER_TOO_LARGE: 'the answer is too long',
  ERR_KV2_REDIRECT_REFUSED: 'a redirect is refused',
  ERR_KV2_CIRCUIT_OPEN: 'the server failed too often; nothing is sent for now',
  ERR_KV2_BUSY: 'too many calls are under way',
  ERR_KV2_NO_ROUTE: 'no such mount, or none of version 2',
  ERR_KV2_UNSUPPORTED: 'the server does not support it',
  ERR_KV2_REFUSED: 'the server refuses the request',
  ERR_KV2_CLOSED: 'the client is closed',
})

/** Every code. */
export const KV2_ERROR_CODES: readonly Kv2ErrorCode[] = Object.freeze(
  Object.keys(MESSAGES) as Kv2ErrorCode[],
)

/** Optional parts of an error. */
export interface Kv2ErrorOptions {
  readonly operation?: Kv2Operation | undefined
  readonly status?: number | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly outcomeUnknown?: boolean | undefined
  readonly transportCode?: string | undefined
}

const BRAND: symbol = Symbol.for('@secreg/kv2/Kv2Error')

/** A call that failed. `code` is stable within a major version, the message is not. It has no `cause`. */
export class Kv2Error extends Error {
  override readonly name: string = 'Kv2Error'
  readonly code: Kv2ErrorCode
  readonly operation: Kv2Operation | undefined
  /** Status of the answer, where there was one. */
  readonly status: number | undefined
  /** Seconds after which the server wants to be asked again, where it said so. */
  readonly retryAfterSeconds: number | undefined
  /** Of a write: it may have been done all the same. */
  readonly outcomeUnknown: boolean
  /** Code of the platform's own error, such as `ECONNREFUSED`, where there was one. */
  readonly transportCode: string | undefined

  constructor(code: Kv2ErrorCode, options: Kv2ErrorOptions = {}) {
    const { operation, transportCode } = options
    const why = transportCode === undefined ? '' : ` (${transportCode})`
    super(`${operation === undefined ? '' : `${operation}: `}${MESSAGES[code]}${why}`)
    this.code = code
    this.operation = operation
    this.status = options.status
    this.retryAfterSeconds = options.retryAfterSeconds
    this.outcomeUnknown = options.outcomeUnknown ?? false
    this.transportCode = transportCode
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: Kv2ErrorCode): value is Kv2Error {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as Kv2Error).code === code)
    )
  }
}
