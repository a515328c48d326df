/** From reasons to what setec's clients are told (specs/setec.md §1.1; where it differs on purpose, §1.4 Q5). */
import { type Reason, SecregError } from '@secreg/protocol'

/** A refusal: status, and text without its line feed. */
export interface Refusal {
  readonly status: number
  readonly text: string
}

const refusal = (status: number, text: string): Refusal => Object.freeze({ status, text })

export const ONLY_POST: Refusal = refusal(400, 'only POST requests allowed')
export const ONLY_JSON: Refusal = refusal(400, 'request body must be json')
export const NO_SUCH_METHOD: Refusal = refusal(400, 'invalid method')
export const BAD_REQUEST: Refusal = refusal(400, 'bad request')
export const NO_NAME: Refusal = refusal(400, 'invalid name, please specify a name')
export const NO_VERSION: Refusal = refusal(400, 'invalid version, please specify a version > 0')
export const NAME_RESERVED: Refusal = refusal(400, 'the name is reserved')
export const UNIDENTIFIED: Refusal = refusal(401, 'unable to identify caller')
export const DENIED: Refusal = refusal(403, 'access denied')
export const NOT_FOUND: Refusal = refusal(404, 'not found')
export const INTERNAL: Refusal = refusal(500, 'internal error')
const ACTIVE = refusal(409, 'version is active')
const NO_NUMBER = refusal(409, 'no version number is left')
const CLAIMED = refusal(412, 'version already set')
const TOO_LARGE = refusal(413, 'request too large')
const NO_ROOM = refusal(422, 'quota exceeded')
const TOO_MANY = refusal(429, 'too many requests')
const UNAVAILABLE = refusal(503, 'service unavailable')

/** What each reason is told as. What no operation of setec can meet is a fault of ours. */
export const REFUSALS: Readonly<Record<Reason, Refusal>> = Object.freeze({
  INVALID_ARGUMENT: BAD_REQUEST,
  FRAME_MALFORMED: INTERNAL,
  FRAME_TOO_LARGE: TOO_LARGE,
  PAYLOAD_INVALID: BAD_REQUEST,
  MESSAGE_UNKNOWN: INTERNAL,
  PATH_INVALID: BAD_REQUEST,
  VALUE_INVALID: BAD_REQUEST,
  VALUE_TOO_LARGE: TOO_LARGE,
  LIMIT_EXCEEDED: INTERNAL,
  PASSWORD_POLICY: INTERNAL,
  CLOCK_SKEW: INTERNAL,
  SHARE_INVALID: INTERNAL,
  BACKUP_INVALID: INTERNAL,
  BACKUP_NEWER: INTERNAL,
  POLICY_INVALID: INTERNAL,
  PRINCIPAL_UNKNOWN: INTERNAL,
  NOT_FOUND,
  STORAGE_KEY_NOT_FOUND: NOT_FOUND,
  USER_NOT_FOUND: NOT_FOUND,
  VERSION_NOT_FOUND: NOT_FOUND,
  ENTRY_DELETED: NOT_FOUND,
  VERSION_DELETED: NOT_FOUND,
  VERSION_DESTROYED: NOT_FOUND,
  ACCESS_DENIED: DENIED,
  GRANT_EXCEEDED: DENIED,
  MFA_ENROLLMENT_REQUIRED: DENIED,
  PASSWORD_SESSION_REQUIRED: DENIED,
  AUTH_FAILED: UNIDENTIFIED,
  AUTH_REQUIRED: UNIDENTIFIED,
  SESSION_INVALID: UNIDENTIFIED,
  AUTH_LOCKED_OUT: TOO_MANY,
  AUTH_MFA_REQUIRED: UNIDENTIFIED,
  UNLOCK_FAILED: UNIDENTIFIED,
  SHARE_FOREIGN: UNIDENTIFIED,
  ALREADY_EXISTS: CLAIMED,
  ALREADY_INITIALIZED: INTERNAL,
  USER_EXISTS: INTERNAL,
  UNINITIALIZED: UNAVAILABLE,
  SEALED: UNAVAILABLE,
  // Of a number that somebody else has used meanwhile.
  VERSION_CONFLICT: CLAIMED,
  NOT_A_LEAF: INTERNAL,
  VERSION_ACTIVE: ACTIVE,
  VERSION_REQUIRED: INTERNAL,
  VERSIONS_EXHAUSTED: NO_NUMBER,
  DIALECT_REFUSED: INTERNAL,
  REVISION_COMPACTED: INTERNAL,
  QUOTA_EXCEEDED: NO_ROOM,
  SHARES_MISSING: INTERNAL,
  NO_PROTECTOR: INTERNAL,
  LAST_PROTECTOR: INTERNAL,
  NO_PORTABLE_PROTECTOR: INTERNAL,
  BUSY: UNAVAILABLE,
  SHUTTING_DOWN: UNAVAILABLE,
  TOO_MANY_CONNECTIONS: UNAVAILABLE,
  UNREACHABLE: UNAVAILABLE,
  LAST_ADMINISTRATOR: INTERNAL,
  IN_USE: INTERNAL,
  PAM_UNAVAILABLE: UNAVAILABLE,
  MFA_STATE: INTERNAL,
  ZONE_REFUSED: INTERNAL,
  TIMEOUT: UNAVAILABLE,
  STORAGE_FAILED: INTERNAL,
  STORAGE_CORRUPT: INTERNAL,
  STORAGE_FULL: INTERNAL,
  AUDIT_FAILED: INTERNAL,
  AUDIT_TAMPERED: INTERNAL,
  // Nobody knows whether it was done, so that nothing is said that invites to do it again.
  OUTCOME_UNKNOWN: INTERNAL,
  INTERNAL,
  CRYPTO_FAILED: INTERNAL,
  PASSPHRASE_WRONG: INTERNAL,
  SEAL_DAMAGED: INTERNAL,
  KDF_BELOW_FLOOR: INTERNAL,
  BACKUP_DAMAGED: INTERNAL,
  BACKUP_TRUNCATED: INTERNAL,
})

/** What a failure is told as; of anything but a `SecregError`, that it is a fault of ours. */
export function refusalOf(error: unknown): Refusal {
  return SecregError.is(error) && Object.hasOwn(REFUSALS, error.reason)
    ? REFUSALS[error.reason]
    : INTERNAL
}

/** Whether the caller is asked to come again later, so that it says nothing about who he is. */
export function isPassing({ status }: Refusal): boolean {
  return status === 503 || status === 429
}
