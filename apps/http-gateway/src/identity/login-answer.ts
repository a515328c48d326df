/** What comes of a login, in words that hold nothing of what was sent. */
import {
  type AuthResponse,
  type ErrorPayload,
  isReason,
  LIMITS,
  type Reason,
  SecregError,
  STATUS,
} from '@secreg/protocol'

/** A session that was opened. */
export interface OpenedSession {
  readonly sessionId: string
  /** Milliseconds that the daemon keeps it; 0 where it does not say. */
  readonly lifeMs: number
}

const MESSAGES: Partial<Record<Reason, string>> = {
  AUTH_FAILED: 'the credential is not accepted',
  AUTH_LOCKED_OUT: 'too many failed logins',
  AUTH_MFA_REQUIRED: 'the account needs a second factor; use an access token of it',
  MFA_ENROLLMENT_REQUIRED: 'the account must set up a second factor first',
  ACCESS_DENIED: 'the caller is not admitted',
  BUSY: 'too many logins are under way',
  TIMEOUT: 'the login was not answered in time',
  UNREACHABLE: 'the registry cannot be reached',
  SEALED: 'the registry is sealed',
  UNINITIALIZED: 'the registry is not initialized',
  SHUTTING_DOWN: 'the registry stops',
  INTERNAL: 'the login has failed',
}

/** A failed login; the message is a fixed text. */
export function loginError(
  reason: Reason,
  retryAfterSeconds?: unknown,
  cause?: unknown,
): SecregError {
  const retry =
    typeof retryAfterSeconds === 'number' && retryAfterSeconds > 0 && retryAfterSeconds < Infinity
  return new SecregError(reason, MESSAGES[reason] ?? 'the registry refuses the login', {
    ...(retry ? { retryAfterSeconds } : {}),
    ...(cause === undefined ? {} : { cause }),
  })
}

/**
 * The session of an answer.
 *
 * @throws SecregError why there is none
 */
export function openedSession(answer: AuthResponse): OpenedSession {
  if (typeof answer !== 'object' || answer === null) throw loginError('INTERNAL')
  if (answer.success !== true) throw refusal(answer)
  // Good for nothing that a gateway may ask.
  if (answer.mfa_enrollment_required === true) throw loginError('MFA_ENROLLMENT_REQUIRED')
  const { session_id: sessionId, expires_in: seconds } = answer
  if (
    typeof sessionId !== 'string' ||
    sessionId === '' ||
    Buffer.byteLength(sessionId) > LIMITS.sessionIdBytes
  ) {
    throw loginError('INTERNAL')
  }
  const hasLife = typeof seconds === 'number' && seconds > 0 && seconds < Infinity
  return { sessionId, lifeMs: hasLife ? seconds * 1000 : 0 }
}

/** What a login has thrown, as an error of this list. */
export function loginFailure(error: unknown): SecregError {
  if (SecregError.is(error)) return loginError(error.reason, error.retryAfterSeconds)
  return loginError('INTERNAL', undefined, error)
}

function refusal(answer: AuthResponse): SecregError {
  const error = answer.error as Partial<ErrorPayload> | null | undefined
  const { reason, code, retry_after: retryAfter } = error ?? {}
  if (typeof reason === 'string' && isReason(reason)) return loginError(reason, retryAfter)
  if (answer.mfa_required === true) return loginError('AUTH_MFA_REQUIRED')
  const isAuth = error === undefined || error === null || code === STATUS.AuthFailed
  return loginError(isAuth ? 'AUTH_FAILED' : 'INTERNAL', retryAfter)
}
