/** How the gateway says a failure where the Secrets API is asked: as the API says its own (specs: secrets-api §2.2). */
import { STATUS_CODES } from 'node:http'
import { type Reason, SecregError } from '@secreg/protocol'
import { GatewayError, type GatewayErrorCode } from '../errors.ts'
import { type Answer, jsonAnswer, retryAfter } from '../server/answer.ts'
import { correlationIdOf } from './correlation-id.ts'
import { statusOf } from './error-answer.ts'
import type { Exchange } from './route.ts'

/** Text of each code, for what is not said by the gateway alone. */
const TEXTS = Object.freeze({
  INVALID_REQUEST: 'the request is not valid',
  UNAUTHENTICATED: 'a valid credential is needed',
  ACCESS_DENIED: 'the caller is not admitted',
  NOT_FOUND: 'there is nothing here',
  BODY_TOO_LARGE: 'the body is too large',
  RATE_LIMITED: 'too many requests; try again later',
  UNAVAILABLE: 'the registry cannot be asked at present',
  AUDIT_UNAVAILABLE: 'it cannot be recorded',
  TIMEOUT: 'it was not answered in time; it may still be carried out',
  INTERNAL: 'an internal error',
})

type Code = keyof typeof TEXTS

const CODE_OF_STATUS: Readonly<Record<number, Code>> = Object.freeze({
  400: 'INVALID_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  413: 'BODY_TOO_LARGE',
  429: 'RATE_LIMITED',
  503: 'UNAVAILABLE',
  504: 'TIMEOUT',
})

/** Of these the API has another opinion than the registry: whoever hears 429 comes again later. */
const STATUS_HERE: Readonly<Partial<Record<Reason, number>>> = Object.freeze({
  BUSY: 429,
  AUDIT_FAILED: 503,
  AUDIT_TAMPERED: 503,
})

/** What only the gateway refuses, and by another word than its own. */
const CODE_OF_GATEWAY: Readonly<Partial<Record<GatewayErrorCode, string>>> = Object.freeze({
  ERR_GATEWAY_ROUTE_UNKNOWN: 'NOT_FOUND',
  ERR_GATEWAY_METHOD_REFUSED: 'METHOD_NOT_ALLOWED',
  ERR_GATEWAY_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  ERR_GATEWAY_ORIGIN: 'ORIGIN_REFUSED',
  ERR_GATEWAY_BODY_TIMEOUT: 'REQUEST_TIMEOUT',
  ERR_GATEWAY_NO_ROOM: 'UNAVAILABLE',
})

interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** Answer a failure. Nothing of the request is in it but the correlation id, and of unknown failures nothing at all. */
export function secretsRefusal(error: unknown, exchange: Exchange): Answer {
  const { status, code, message } = refusalOf(error)
  const body = {
    error: STATUS_CODES[status],
    code,
    message,
    correlation_id: correlationIdOf(exchange),
  }
  const seconds = SecregError.is(error) ? error.retryAfterSeconds : undefined
  const waits = status === 429 || status === 503
  return jsonAnswer(status, body, [
    'X-Correlation-Id',
    body.correlation_id,
    // RFC 6750 §3.1: one was presented, or nobody would be refused here.
    ...(status === 401 ? ['WWW-Authenticate', 'Bearer error="invalid_token"'] : []),
    ...(waits ? retryAfter(seconds ?? 1) : []),
  ])
}

function refusalOf(error: unknown): Refusal {
  if (GatewayError.is(error)) {
    const { status, message } = error
    const code = CODE_OF_GATEWAY[error.code] ?? CODE_OF_STATUS[status] ?? 'INVALID_REQUEST'
    return { status, code, message }
  }
  const status = (SecregError.is(error) ? STATUS_HERE[error.reason] : undefined) ?? statusOf(error)
  const unrecorded = SecregError.is(error) && error.reason.startsWith('AUDIT_')
  const code = unrecorded ? 'AUDIT_UNAVAILABLE' : (CODE_OF_STATUS[status] ?? 'INTERNAL')
  // What else the registry may refuse for is no answer of this API.
  return { status: code === 'INTERNAL' ? 500 : status, code, message: TEXTS[code] }
}
