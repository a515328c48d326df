/**
 * Why a request for a secret is refused: closed tables of reasons with their statuses of HTTP and their texts (specs:
 * secrets-api §1.6, §2.2, §2.3). A text is a constant: it never holds what somebody sent, a name, a value, or what a
 * provider said.
 */

/** What is told of a reason. */
export interface Refusal {
  /** Status of HTTP. */
  readonly status: number
  /** English, for people; stable. */
  readonly text: string
}

const refusal = (status: number, text: string): Refusal => Object.freeze({ status, text })

/** Why a canonical URI is refused (specs: secrets-api §1.6; the last one §1.3 step 9). */
export type SecretUriReason =
  | 'INVALID_WILDCARD'
  | 'ILLEGAL_SEGMENT'
  | 'TENANT_MOUNT_MISMATCH'
  | 'UNSUPPORTED_ENGINE'
  | 'AMBIGUOUS_MOUNT'
  | 'AMBIGUOUS_QUERY'
  | 'DOUBLE_MOUNT_SOURCE'
  | 'PROVIDER_TRAILING_SLASH_MISMATCH'
  | 'VERSION_NOT_ALLOWED'

/** Why a request is refused before a provider is asked, or because of what it asks of one. */
export type RequestReason =
  | 'INVALID_REQUEST'
  | 'BODY_TOO_LARGE'
  | 'INCOMPATIBLE_PAYLOAD'
  | 'FRAGMENT_NOT_ALLOWED'
  | 'FRAGMENT_MISMATCH'
  | 'AMBIGUOUS_QUERY'
  | 'VERSION_NOT_ALLOWED'
  | 'VERSIONS_REQUIRED'
  | 'SAME_RESOURCE'
  | 'DESTINATION_EXISTS'
  | 'DESTROY_AFFECTS_OTHER_KEYS'
  | 'MOVE_SOURCE_DELETE_FAILED'

/** Why a provider does not do what it is asked (specs: secrets-api §2.3, §5.3). */
export type ProviderReason =
  | 'SECRET_NOT_FOUND'
  | 'FRAGMENT_NOT_FOUND'
  | 'SECRET_VERSION_DELETED'
  | 'SECRET_VERSION_DESTROYED'
  | 'CAS_MISMATCH'
  | 'INCOMPATIBLE_PAYLOAD'
  | 'YAML_WRITE_FORBIDDEN'
  | 'PROVIDER_NOT_CONFIGURED'
  | 'OPERATION_NOT_SUPPORTED'
  | 'PROVIDER_ERROR'
  | 'PROVIDER_TIMEOUT'
  | 'PROVIDER_BUSY'
  | 'PROVIDER_UNAVAILABLE'

/** Any reason; the word is also the `code` of an answer's body. */
export type SecretsApiReason = SecretUriReason | RequestReason | ProviderReason

/** Every reason with its status and text. */
export const SECRETS_API_REFUSALS: Readonly<Record<SecretsApiReason, Refusal>> = Object.freeze({
  // URIs
  INVALID_WILDCARD: refusal(400, 'a secret URI has no wildcard'),
  ILLEGAL_SEGMENT: refusal(400, 'not a canonical secret URI'),
  TENANT_MOUNT_MISMATCH: refusal(400, 'mount not allowed for tenant'),
  UNSUPPORTED_ENGINE: refusal(400, 'no such provider or engine'),
  AMBIGUOUS_MOUNT: refusal(400, 'the mount is the first segment; a secret URI has no authority'),
  AMBIGUOUS_QUERY: refusal(400, 'a parameter is unknown, malformed, or given twice'),
  DOUBLE_MOUNT_SOURCE: refusal(400, 'the mount is the first segment, not a parameter'),
  PROVIDER_TRAILING_SLASH_MISMATCH: refusal(400, 'a secret URI has no trailing slash'),
  VERSION_NOT_ALLOWED: refusal(400, 'no version can be named here'),
  // Requests
  INVALID_REQUEST: refusal(400, 'the request is not valid'),
  BODY_TOO_LARGE: refusal(413, 'the body is too large'),
  INCOMPATIBLE_PAYLOAD: refusal(400, 'the value does not fit the URI'),
  FRAGMENT_NOT_ALLOWED: refusal(400, 'no fragment can be named here'),
  FRAGMENT_MISMATCH: refusal(400, 'both URIs have a fragment, or neither'),
  VERSIONS_REQUIRED: refusal(400, 'expected the numbers of versions'),
  SAME_RESOURCE: refusal(400, 'source and destination are one secret'),
  DESTINATION_EXISTS: refusal(409, 'the destination exists already'),
  DESTROY_AFFECTS_OTHER_KEYS: refusal(409, 'the secret has other keys, which would be destroyed'),
  MOVE_SOURCE_DELETE_FAILED: refusal(502, 'copied, but the source was not deleted'),
  // Providers
  SECRET_NOT_FOUND: refusal(404, 'no such secret or version'),
  FRAGMENT_NOT_FOUND: refusal(404, 'the secret has no such key'),
  SECRET_VERSION_DELETED: refusal(409, 'the version is deleted'),
  SECRET_VERSION_DESTROYED: refusal(409, 'the version is destroyed'),
  CAS_MISMATCH: refusal(409, 'the secret has changed meanwhile'),
  YAML_WRITE_FORBIDDEN: refusal(403, 'the YAML provider is written to in development only'),
  PROVIDER_NOT_CONFIGURED: refusal(501, 'the provider is not configured'),
  OPERATION_NOT_SUPPORTED: refusal(501, 'the provider does not support this'),
  PROVIDER_ERROR: refusal(502, 'the provider failed'),
  PROVIDER_TIMEOUT: refusal(502, 'the provider did not answer in time'),
  PROVIDER_BUSY: refusal(429, 'the provider is busy; try again later'),
  PROVIDER_UNAVAILABLE: refusal(503, 'the provider is not available; try again later'),
})

/** Stable code of an error: `ERR_SECRETS_API_` and its reason. */
export type SecretsApiErrorCode = `ERR_SECRETS_API_${SecretsApiReason}`

/** Optional parts of an error. */
export interface SecretsApiErrorOptions {
  /** What led to it; never sent. It may be what a provider said. */
  readonly cause?: unknown
  /** Members of `details` in the answer: counts and flags, nothing that names. */
  readonly details?: Readonly<Record<string, number | boolean>>
  /** Seconds after which trying again can succeed. */
  readonly retryAfterSeconds?: number
}

const BRAND: symbol = Symbol.for('@secreg/secrets-api/SecretsApiError')

/** A refused request. `code` and `reason` are stable within a major version; the message is the text of the reason. */
export class SecretsApiError extends Error {
  override readonly name: string = 'SecretsApiError'
  readonly reason: SecretsApiReason
  readonly code: SecretsApiErrorCode
  /** Status of HTTP. */
  readonly status: number
  readonly details: Readonly<Record<string, number | boolean>> | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(reason: SecretsApiReason, options: SecretsApiErrorOptions = {}) {
    const { status, text } = SECRETS_API_REFUSALS[reason]
    super(text, 'cause' in options ? { cause: options.cause } : undefined)
    this.reason = reason
    this.code = `ERR_SECRETS_API_${reason}`
    this.status = status
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of these classes from any other, also across two installed copies of this package. */
  static is(value: unknown, reason?: SecretsApiReason): value is SecretsApiError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (reason === undefined || (value as SecretsApiError).reason === reason)
    )
  }
}

/** A URI, or its mount, is refused. */
export class SecretUriError extends SecretsApiError {
  override readonly name: string = 'SecretUriError'
  declare readonly reason: SecretUriReason

  constructor(reason: SecretUriReason) {
    super(reason)
  }
}

/** A provider has refused or failed. */
export class ProviderError extends SecretsApiError {
  override readonly name: string = 'ProviderError'
  declare readonly reason: ProviderReason

  constructor(reason: ProviderReason, options: SecretsApiErrorOptions = {}) {
    super(reason, options)
  }
}
