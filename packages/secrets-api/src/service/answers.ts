/** Answers, and what all that fail have in common (specs: secrets-api §2.2, §2.3). */
import type { Refused, RefusedCode } from '../enforcement/refusal.ts'
import { ENFORCEMENT_REFUSALS, SERVICE_REFUSALS } from '../enforcement/refusal.ts'
import { SECRETS_API_REFUSALS, type SecretsApiError } from '../errors.ts'
import type { SecretsAnswer } from './service.ts'

/** Parts of an answer that only some failures have. */
export interface ErrorParts {
  /** Counts, flags, closed words, and what the caller himself sent. */
  readonly details?: Refused['details'] | undefined
  /** For `Retry-After`, at least 1; of 429 and 503 by default 1. */
  readonly retryAfterSeconds?: number | undefined
  /** For `WWW-Authenticate`. */
  readonly challenge?: string | undefined
}

/** A failure before it is an answer. */
export interface Failure extends ErrorParts {
  readonly status: number
  readonly code: RefusedCode
  readonly message: string
}

/** Reason phrases (RFC 9110 section 15, RFC 4918 section 11.4, RFC 6585 section 4). */
const PHRASES: Readonly<Record<number, string>> = Object.freeze({
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  424: 'Failed Dependency',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
})

/** What succeeded. */
export function doneAnswer(
  body: Readonly<Record<string, unknown>>,
  status: 200 | 207 = 200,
): SecretsAnswer {
  return { status, headers: {}, body }
}

/**
 * What failed.
 *
 * @param status - of HTTP, 400 or more
 * @param code - upper case, with `_` between words
 * @param message - a constant: nothing that was sent, no value, nothing that a provider said
 */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  correlationId: string,
  { details, retryAfterSeconds, challenge }: ErrorParts = {},
): SecretsAnswer {
  const retries = retryAfterSeconds !== undefined || status === 429 || status === 503
  const retryAfter = Math.max(1, Math.ceil(retryAfterSeconds ?? 1))
  return {
    status,
    headers: {
      ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
      ...(retries ? { 'Retry-After': String(retryAfter) } : {}),
    },
    body: {
      error: PHRASES[status] ?? 'Error',
      code,
      message,
      ...(details === undefined ? {} : { details }),
      correlation_id: correlationId,
    },
  }
}

/** A failure as it is answered. */
export function failureAnswer(failure: Failure, correlationId: string): SecretsAnswer {
  const { status, code, message } = failure
  return errorAnswer(status, code, message, correlationId, failure)
}

/** A refusal of the enforcement point, or of whoever authenticates, as it is answered. */
export function refusedAnswer(refused: Refused, correlationId: string): SecretsAnswer {
  return failureAnswer(refused, correlationId)
}

const REFUSALS = Object.freeze({
  ...SECRETS_API_REFUSALS,
  ...ENFORCEMENT_REFUSALS,
  ...SERVICE_REFUSALS,
})

/** The failure of a code, with nothing to it. */
export function failureOf(code: RefusedCode): Failure {
  const { status, text } = REFUSALS[code]
  return { status, code, message: text }
}

/** The failure that an error is. */
export function failureOfError(error: SecretsApiError): Failure {
  const { reason, details, retryAfterSeconds } = error
  return { ...failureOf(reason), details, retryAfterSeconds }
}
