/** The error class of the client. Messages are fixed texts: nothing of a server, no value and no credential is in any. */
import { ENFORCEMENT_REFUSALS, type RefusedCode, SERVICE_REFUSALS } from '../enforcement/refusal.ts'
import { SECRETS_API_REFUSALS } from '../errors.ts'
import type { JsonValue } from '../provider/json-value.ts'

/** Why there is no answer of the API. */
export type SecretsClientFault =
  /** The server was not reached, the connection was lost, or it wanted to send the client elsewhere. */
  | 'UNREACHABLE'
  /** No whole answer in time. */
  | 'TIMEOUT'
  /** An answer that is not what was asked for. */
  | 'ANSWER_INVALID'
  /** An answer longer than the limit; no more of it was read. */
  | 'ANSWER_TOO_LARGE'
  /** An error without a code of the API: of a proxy, or of another server. */
  | 'STATUS'

/** Code of an answer, or a fault; a server may have codes that are not known here. */
export type SecretsClientErrorCode = RefusedCode | SecretsClientFault | (string & {})

const FAULTS: Readonly<Record<SecretsClientFault, string>> = Object.freeze({
  UNREACHABLE: 'the server was not reached',
  TIMEOUT: 'no answer in time',
  ANSWER_INVALID: 'the answer is malformed',
  ANSWER_TOO_LARGE: 'the answer is too long',
  STATUS: 'the answer is none of the Secrets API',
})

const TEXTS: ReadonlyMap<string, string> = new Map([
  ...[SECRETS_API_REFUSALS, ENFORCEMENT_REFUSALS, SERVICE_REFUSALS].flatMap((table) =>
    Object.entries(table).map(([code, { text }]) => [code, text] as const),
  ),
  ...Object.entries(FAULTS),
])

/** Every fault. */
export const SECRETS_CLIENT_FAULTS: readonly SecretsClientFault[] = Object.freeze(
  Object.keys(FAULTS) as SecretsClientFault[],
)

/** Optional parts of an error. */
export interface SecretsClientErrorOptions {
  readonly status?: number | undefined
  readonly details?: SecretsErrorDetails | undefined
  readonly correlationId?: string | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly outcomeUnknown?: boolean | undefined
  /** Code of the platform's own error, such as `ECONNREFUSED`. */
  readonly transportCode?: string | undefined
}

/** `details` of an answer, as far as they are known: numbers, flags, closed words, ids and URIs that were sent. */
export type SecretsErrorDetails = { readonly [name: string]: JsonValue }

const BRAND: symbol = Symbol.for('@secreg/secrets-api/SecretsClientError')

/** A request that failed. `code` is stable within a major version, the message is not. It has no `cause`. */
export class SecretsClientError extends Error {
  override readonly name: string = 'SecretsClientError'
  readonly code: SecretsClientErrorCode
  /** Status of the answer, where there was one. */
  readonly status: number | undefined
  readonly details: SecretsErrorDetails | undefined
  /** Id under which the server has recorded the request. */
  readonly correlationId: string | undefined
  /** Seconds after which the server wants to be asked again, where it said so. */
  readonly retryAfterSeconds: number | undefined
  /** Of a change: it may have been made all the same. */
  readonly outcomeUnknown: boolean

  constructor(code: SecretsClientErrorCode, options: SecretsClientErrorOptions = {}) {
    const { status, transportCode } = options
    const text = TEXTS.get(code) ?? `the server has answered ${status ?? 'with an error'}`
    super(transportCode === undefined ? text : `${text} (${transportCode})`)
    this.code = code
    this.status = status
    this.details = options.details
    this.correlationId = options.correlationId
    this.retryAfterSeconds = options.retryAfterSeconds
    this.outcomeUnknown = options.outcomeUnknown ?? false
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: SecretsClientErrorCode): value is SecretsClientError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as SecretsClientError).code === code)
    )
  }
}
