/** How failures are said in JSON: `{"error":{"code","name","reason","message",…}}`, as the registry protocol names them. */
import { REASONS, SecregError, STATUS } from '@secreg/protocol'
import { GatewayError } from '../errors.ts'
import { type Answer, jsonAnswer, retryAfter } from '../server/answer.ts'
import { STATUS_OF_REASON } from './status-of-reason.ts'

/** Member `error` of an answer. */
export interface ErrorBody {
  /** 0 to 8 and its name (SecReg-Linux docs/API.md, "Error codes"). */
  readonly code: number
  readonly name: string
  /** Stable word: a reason of the registry, or the code of a refusal of the gateway without `ERR_`. */
  readonly reason: string
  /** For people; not stable. */
  readonly message: string
  readonly errno?: number
  /** Seconds. */
  readonly retry_after?: number
  readonly min_revision?: number
  readonly pointer?: string
}

/** What a 401 has to say (RFC 9110 §11.6.1). `Basic` is taken too, but would make browsers ask for a password. */
const CHALLENGE: readonly string[] = Object.freeze(['WWW-Authenticate', 'Bearer'])

/** HTTP status of a failure; what is none of ours is a fault of the program. */
export function statusOf(error: unknown): number {
  if (SecregError.is(error)) return STATUS_OF_REASON[error.reason] ?? 500
  return GatewayError.is(error) ? error.status : 500
}

/** Headers that a failure is answered with. */
export function errorHeaders(error: unknown): readonly string[] {
  const status = statusOf(error)
  if (status === 401) return CHALLENGE
  const seconds = SecregError.is(error) ? error.retryAfterSeconds : undefined
  return retryAfter(seconds ?? (status === 503 ? 1 : undefined))
}

/** Answer a failure. Nothing of the request is in it, and of unknown failures nothing at all. */
export function errorAnswer(error: unknown): Answer {
  const headers = errorHeaders(error)
  return jsonAnswer(statusOf(error), { error: bodyOf(error) }, headers)
}

function bodyOf(error: unknown): ErrorBody {
  if (SecregError.is(error)) {
    const { status, statusName, reason, message, errno } = error
    const { retryAfterSeconds, minRevision, pointer } = error
    return {
      code: status,
      name: statusName,
      reason,
      message,
      errno,
      ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }),
      ...(minRevision === undefined ? {} : { min_revision: minRevision }),
      ...(pointer === undefined ? {} : { pointer }),
    }
  }
  if (GatewayError.is(error)) {
    const name = error.status === 503 ? 'InvalidState' : 'InvalidArgument'
    const reason = error.code.slice('ERR_'.length)
    return { code: STATUS[name], name, reason, message: error.message }
  }
  const { status, errno } = REASONS.INTERNAL
  const message = 'internal fault'
  return { code: STATUS[status], name: status, reason: 'INTERNAL', message, errno }
}
