/**
 * Reasons, the documented status codes and the error class that every door answers with.
 *
 * The coarse status is the documented table of the SecReg-Linux API ("Error codes", 0 to 8), which is also the
 * exit code of `sreg`. The `errno` is the finer number of its source, where it has one; ours start at 900.
 */

/** Documented status codes, by name (SecReg-Linux docs/API.md, "Error codes"). Also the exit codes of `sreg`. */
export const STATUS = Object.freeze({
  Success: 0,
  InvalidArgument: 1,
  NotFound: 2,
  AccessDenied: 3,
  AuthFailed: 4,
  AlreadyExists: 5,
  InvalidState: 6,
  DatabaseError: 7,
  CryptoError: 8,
} as const)

/** Name of a documented status code. */
export type StatusName = keyof typeof STATUS

/** A documented status code. */
export type Status = (typeof STATUS)[StatusName]

interface ReasonEntry {
  readonly status: StatusName
  readonly errno: number
}

const reason = (status: StatusName, errno: number): ReasonEntry => Object.freeze({ status, errno })

/** Every reason with its documented status and its number. A reason is stable within a major version. */
export const REASONS = Object.freeze({
  // Requests
  INVALID_ARGUMENT: reason('InvalidArgument', 1),
  FRAME_MALFORMED: reason('InvalidArgument', 600),
  FRAME_TOO_LARGE: reason('InvalidArgument', 601),
  PAYLOAD_INVALID: reason('InvalidArgument', 602),
  MESSAGE_UNKNOWN: reason('InvalidArgument', 603),
  PATH_INVALID: reason('InvalidArgument', 203),
  VALUE_INVALID: reason('InvalidArgument', 204),
  VALUE_TOO_LARGE: reason('InvalidArgument', 900),
  LIMIT_EXCEEDED: reason('InvalidArgument', 901),
  PASSWORD_POLICY: reason('InvalidArgument', 902),
  CLOCK_SKEW: reason('InvalidArgument', 903),
  SHARE_INVALID: reason('InvalidArgument', 930),
  BACKUP_INVALID: reason('InvalidArgument', 940),
  BACKUP_NEWER: reason('InvalidArgument', 941),
  POLICY_INVALID: reason('InvalidArgument', 950),
  PRINCIPAL_UNKNOWN: reason('InvalidArgument', 951),
  // Absent
  NOT_FOUND: reason('NotFound', 5),
  STORAGE_KEY_NOT_FOUND: reason('NotFound', 401),
  USER_NOT_FOUND: reason('NotFound', 904),
  VERSION_NOT_FOUND: reason('NotFound', 905),
  ENTRY_DELETED: reason('NotFound', 916),
  VERSION_DELETED: reason('NotFound', 917),
  VERSION_DESTROYED: reason('NotFound', 918),
  // Access
  ACCESS_DENIED: reason('AccessDenied', 200),
  GRANT_EXCEEDED: reason('AccessDenied', 952),
  MFA_ENROLLMENT_REQUIRED: reason('AccessDenied', 953),
  PASSWORD_SESSION_REQUIRED: reason('AccessDenied', 954),
  // Identity
  AUTH_FAILED: reason('AuthFailed', 100),
  AUTH_REQUIRED: reason('AuthFailed', 101),
  SESSION_INVALID: reason('AuthFailed', 103),
  AUTH_LOCKED_OUT: reason('AuthFailed', 106),
  AUTH_MFA_REQUIRED: reason('AuthFailed', 107),
  UNLOCK_FAILED: reason('AuthFailed', 915),
  SHARE_FOREIGN: reason('AuthFailed', 931),
  // Present already
  ALREADY_EXISTS: reason('AlreadyExists', 906),
  ALREADY_INITIALIZED: reason('AlreadyExists', 907),
  USER_EXISTS: reason('AlreadyExists', 908),
  // State
  UNINITIALIZED: reason('InvalidState', 3),
  SEALED: reason('InvalidState', 306),
  VERSION_CONFLICT: reason('InvalidState', 404),
  NOT_A_LEAF: reason('InvalidState', 4),
  VERSION_ACTIVE: reason('InvalidState', 919),
  VERSION_REQUIRED: reason('InvalidState', 920),
  VERSIONS_EXHAUSTED: reason('InvalidState', 921),
  DIALECT_REFUSED: reason('InvalidState', 922),
  REVISION_COMPACTED: reason('InvalidState', 923),
  QUOTA_EXCEEDED: reason('InvalidState', 924),
  SHARES_MISSING: reason('InvalidState', 932),
  NO_PROTECTOR: reason('InvalidState', 933),
  LAST_PROTECTOR: reason('InvalidState', 934),
  NO_PORTABLE_PROTECTOR: reason('InvalidState', 942),
  BUSY: reason('InvalidState', 909),
  SHUTTING_DOWN: reason('InvalidState', 910),
  TOO_MANY_CONNECTIONS: reason('InvalidState', 911),
  UNREACHABLE: reason('InvalidState', 912),
  LAST_ADMINISTRATOR: reason('InvalidState', 913),
  IN_USE: reason('InvalidState', 955),
  PAM_UNAVAILABLE: reason('InvalidState', 956),
  MFA_STATE: reason('InvalidState', 957),
  ZONE_REFUSED: reason('InvalidState', 958),
  TIMEOUT: reason('InvalidState', 914),
  // Store and log
  STORAGE_FAILED: reason('DatabaseError', 400),
  STORAGE_CORRUPT: reason('DatabaseError', 402),
  STORAGE_FULL: reason('DatabaseError', 403),
  AUDIT_FAILED: reason('DatabaseError', 500),
  AUDIT_TAMPERED: reason('DatabaseError', 959),
  OUTCOME_UNKNOWN: reason('DatabaseError', 405),
  INTERNAL: reason('DatabaseError', 999),
  // Keys
  CRYPTO_FAILED: reason('CryptoError', 300),
  PASSPHRASE_WRONG: reason('CryptoError', 301),
  SEAL_DAMAGED: reason('CryptoError', 935),
  KDF_BELOW_FLOOR: reason('CryptoError', 936),
  BACKUP_DAMAGED: reason('CryptoError', 943),
  BACKUP_TRUNCATED: reason('CryptoError', 944),
} as const)

/** Why a request failed: a stable word, finer than the status. */
export type Reason = keyof typeof REASONS

/** Stable code of an error: `ERR_` and its reason. */
export type SecregErrorCode = `ERR_${Reason}`

/** Optional parts of an error. */
export interface SecregErrorOptions {
  /** What led to it; never sent to a peer. */
  readonly cause?: unknown
  /** Seconds after which trying again can succeed. */
  readonly retryAfterSeconds?: number
  /** Of `REVISION_COMPACTED`: the oldest revision from which the changes are still known. */
  readonly minRevision?: number
  /** Of a document that was refused: JSON Pointer (RFC 6901) to what is wrong with it. */
  readonly pointer?: string
}

const BRAND: unique symbol = Symbol.for('@secreg/protocol/SecregError') as never

/**
 * A failed request. `code` and `reason` are stable within a major version, the message is not and never holds a
 * secret value.
 *
 * @example
 * ```ts
 * throw new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
 * ```
 */
export class SecregError extends Error {
  override name = 'SecregError'
  readonly code: SecregErrorCode
  readonly reason: Reason
  /** Documented status, 0 to 8, also the exit code of `sreg`. */
  readonly status: Status
  readonly statusName: StatusName
  /** Finer number of the reason. */
  readonly errno: number
  readonly retryAfterSeconds: number | undefined
  readonly minRevision: number | undefined
  /** Of a document that was refused: JSON Pointer (RFC 6901) to what is wrong with it. */
  readonly pointer: string | undefined
  readonly [BRAND] = true

  constructor(reason: Reason, message: string, options: SecregErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    const entry = REASONS[reason]
    this.reason = reason
    this.code = `ERR_${reason}`
    this.statusName = entry.status
    this.status = STATUS[entry.status]
    this.errno = entry.errno
    this.retryAfterSeconds = options.retryAfterSeconds
    this.minRevision = options.minRevision
    this.pointer = options.pointer
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown): value is SecregError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

/** Tell whether a text is a known reason. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text)
}
