/**
 * The error class of both halves. Its texts are a closed table: none holds what somebody sent, a path or a uid, and what
 * is told to a client comes from here alone. The protocol defines no codes (subauth PROTOCOL, "error"), so that clients
 * test the text for emptiness only.
 */

/**
 * What became of a request: `invalid` was none that can be served, `denied` lacked a right or a right secret, `refused`
 * does not fit what is there, `failed` was not served although it might be.
 */
export type RefusalKind = 'invalid' | 'denied' | 'refused' | 'failed'

/** What is told of a reason. */
export interface Refusal {
  readonly kind: RefusalKind
  /** English, for people; stable. */
  readonly text: string
}

/** Why a server refuses: a stable word. */
export type RefusalReason =
  | 'MALFORMED'
  | 'TOO_LONG'
  | 'DUPLICATE_KEY'
  | 'COMMAND_MISSING'
  | 'COMMAND_UNKNOWN'
  | 'LOGIN_INVALID'
  | 'ZONE_INVALID'
  | 'AUTH_PASSWD_INVALID'
  | 'PASSWD_INVALID'
  | 'NEW_PASSWD_INVALID'
  | 'COMMENT_INVALID'
  | 'IDENT_INVALID'
  | 'VALIDITY_INVALID'
  | 'ALLOW_INVALID'
  | 'NOT_VALID'
  | 'NOT_PERMITTED'
  | 'AUTH_FAILED'
  | 'LOGIN_FAILED'
  | 'LOCKED_OUT'
  | 'CREDENTIALS_CONFLICT'
  | 'NO_LOGIN_NAME'
  | 'ZONE_OR_USER_NOT_FOUND'
  | 'ACCOUNT_NOT_FOUND'
  | 'TOKEN_NOT_FOUND'
  | 'PASSWD_NOT_FOUND'
  | 'ACCOUNT_EXISTS'
  | 'ZONE_REFUSED'
  | 'VALIDITY_REFUSED'
  | 'LIMIT_EXCEEDED'
  | 'REPLY_TOO_LONG'
  | 'BUSY'
  | 'UNAVAILABLE'
  | 'OUTCOME_UNKNOWN'
  | 'INTERNAL'

const refusal = (kind: RefusalKind, text: string): Refusal => Object.freeze({ kind, text })
const invalid = (text: string): Refusal => refusal('invalid', text)
const denied = (text: string): Refusal => refusal('denied', text)
const refused = (text: string): Refusal => refusal('refused', text)
const failed = (text: string): Refusal => refusal('failed', text)

/** Every reason for which a server refuses a request, with what it tells. */
export const REFUSALS: Readonly<Record<RefusalReason, Refusal>> = Object.freeze({
  // Packets; with the first two and with conflicting credentials, the connection ends.
  MALFORMED: invalid('the request is not a JSON object in UTF-8'),
  TOO_LONG: invalid('the request is too long'),
  DUPLICATE_KEY: invalid('a key is given twice'),
  COMMAND_MISSING: invalid('cmd: expected the name of a command'),
  COMMAND_UNKNOWN: invalid('cmd: no such command'),
  // Fields
  LOGIN_INVALID: invalid('login: expected 1 to 64 characters'),
  ZONE_INVALID: invalid('zone: expected 1 to 64 of A-Z, a-z, 0-9, dot, underscore and minus'),
  AUTH_PASSWD_INVALID: invalid('auth-passwd: expected 1 to 1024 characters'),
  PASSWD_INVALID: invalid('passwd: expected 1 to 1024 characters'),
  NEW_PASSWD_INVALID: invalid('passwd: expected 1 to 256 bytes without minus'),
  COMMENT_INVALID: invalid('comment: expected at most 255 characters on one line'),
  IDENT_INVALID: invalid('ident: expected 4 hexadecimal digits'),
  VALIDITY_INVALID: invalid('validity: expected a whole number of seconds, at least 1'),
  ALLOW_INVALID: invalid('allow: expected 0 or 1'),
  NOT_VALID: invalid('the request is not valid'),
  // Rights and secrets: one text for each class, whatever it was that did not fit.
  NOT_PERMITTED: denied('not permitted'),
  AUTH_FAILED: denied('auth-passwd was not accepted'),
  LOGIN_FAILED: denied('login failed'),
  LOCKED_OUT: denied('too many failures; try again later'),
  CREDENTIALS_CONFLICT: denied('the credentials of the connection and of the packet differ'),
  // What is there
  NO_LOGIN_NAME: refused('the caller has no login name'),
  ZONE_OR_USER_NOT_FOUND: refused('no such zone or user'),
  ACCOUNT_NOT_FOUND: refused('no such zone or account'),
  TOKEN_NOT_FOUND: refused('no such zone, account or token'),
  PASSWD_NOT_FOUND: refused('no such zone, account or password'),
  ACCOUNT_EXISTS: refused('the account exists already'),
  ZONE_REFUSED: refused('the zone does not allow it'),
  VALIDITY_REFUSED: refused('validity: longer than the zone allows'),
  LIMIT_EXCEEDED: refused('the account has as many tokens as it may have'),
  REPLY_TOO_LONG: refused('the reply is longer than a packet may be'),
  // The server
  BUSY: failed('the server is busy; try again later'),
  UNAVAILABLE: failed('the server does not serve this now; try again later'),
  OUTCOME_UNKNOWN: failed('it is not known whether this was done; look before trying again'),
  INTERNAL: failed('internal error'),
})

/** Why a request of the client half failed. */
export type ClientReason =
  /** The server has answered with an error; its text is the message. */
  'REFUSED' | 'UNREACHABLE' | 'CONNECTION_LOST' | 'TIMEOUT' | 'ANSWER_INVALID' | 'CLOSED'

const CLIENT_TEXTS: Readonly<Record<ClientReason, string>> = Object.freeze({
  REFUSED: 'the server refused the request',
  UNREACHABLE: 'no connection to the server',
  CONNECTION_LOST: 'the connection ended before the reply; a change may have been made',
  TIMEOUT: 'no reply in time; a change may have been made',
  ANSWER_INVALID: 'the reply is not what the command is answered with',
  CLOSED: 'the client is closed',
})

export type SubauthReason = RefusalReason | ClientReason

/** Stable code of an error: `ERR_SUBAUTH_` and its reason. */
export type SubauthErrorCode = `ERR_SUBAUTH_${SubauthReason}`

/** Optional parts of an error. */
export interface SubauthErrorOptions {
  /** What led to it; never sent. */
  readonly cause?: unknown
  /** Of `REFUSED`: the text of the server, for people. */
  readonly text?: string
}

const BRAND: symbol = Symbol.for('@secreg/subauth/SubauthError')

/** A request that was not done. `code` and `reason` are stable within a major version. */
export class SubauthError extends Error {
  override readonly name: string = 'SubauthError'
  readonly reason: SubauthReason
  readonly code: SubauthErrorCode

  constructor(reason: SubauthReason, options: SubauthErrorOptions = {}) {
    const text = reason === 'REFUSED' ? options.text : undefined
    super(text ?? textOf(reason), 'cause' in options ? { cause: options.cause } : undefined)
    this.reason = reason
    this.code = `ERR_SUBAUTH_${reason}`
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, reason?: SubauthReason): value is SubauthError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (reason === undefined || (value as SubauthError).reason === reason)
    )
  }
}

/** Tell whether a text is a reason for which servers refuse. */
export function isRefusalReason(text: string): text is RefusalReason {
  return Object.hasOwn(REFUSALS, text)
}

function textOf(reason: SubauthReason): string {
  return isRefusalReason(reason) ? REFUSALS[reason].text : CLIENT_TEXTS[reason]
}
