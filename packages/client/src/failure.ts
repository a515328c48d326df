/** Errors of the connection itself, and those that the daemon answers with. */
import {
  type ErrorPayload,
  isReason,
  REASONS,
  type Reason,
  SecregError,
  STATUS,
  type StatusName,
} from '@secreg/protocol'

const MESSAGE_CHARS = 4096

/** A reason of each status, for one that this version does not know. */
const FALLBACK: Readonly<Record<number, Reason>> = {
  1: 'INVALID_ARGUMENT',
  2: 'NOT_FOUND',
  3: 'ACCESS_DENIED',
  4: 'AUTH_FAILED',
  5: 'ALREADY_EXISTS',
  7: 'INTERNAL',
  8: 'CRYPTO_FAILED',
}

const STATUS_NAMES = Object.keys(STATUS) as StatusName[]

/**
 * The error of an ErrorResponse. A known reason wins over the code beside it; an unknown one (of a newer daemon)
 * becomes the general reason of its code, so that the status, and the exit code made of it, stay right.
 */
export function errorOfAnswer(payload: ErrorPayload): SecregError {
  const message = payload.message.slice(0, MESSAGE_CHARS)
  const options = {
    ...(payload.retry_after === undefined ? {} : { retryAfterSeconds: payload.retry_after }),
    ...(payload.min_revision === undefined ? {} : { minRevision: payload.min_revision }),
    ...(payload.pointer === undefined ? {} : { pointer: payload.pointer }),
  }
  const named = payload.reason
  if (typeof named === 'string' && isReason(named)) return new SecregError(named, message, options)
  const error = new SecregError(FALLBACK[payload.code] ?? 'INTERNAL', message, options)
  // No reason stands for "invalid state in general"; the status alone is taken from the answer.
  if (payload.code === STATUS.InvalidState) {
    Object.defineProperties(error, {
      status: { value: STATUS.InvalidState, enumerable: true },
      statusName: { value: STATUS_NAMES[STATUS.InvalidState], enumerable: true },
      errno: { value: payload.errno ?? REASONS.INTERNAL.errno, enumerable: true },
    })
  }
  return error
}

/** Nobody listens, or the connection is gone. */
export function unreachable(socket: string, what: string, cause?: unknown): SecregError {
  return new SecregError(
    'UNREACHABLE',
    `${what} at ${socket}; start the daemon with "secregd --config FILE" or "systemctl start secregd"`,
    cause === undefined ? {} : { cause },
  )
}

/** Something listens, but what it sends is not the registry protocol. */
export function notUnderstood(socket: string, what: string, cause?: unknown): SecregError {
  return new SecregError(
    'UNREACHABLE',
    `what listens at ${socket} does not speak the registry protocol: ${what}`,
    cause === undefined ? {} : { cause },
  )
}

/** A request does not fit a frame. */
export function tooLarge(cause?: unknown): SecregError {
  return new SecregError(
    'FRAME_TOO_LARGE',
    'the request is too large for one frame',
    cause === undefined ? {} : { cause },
  )
}
