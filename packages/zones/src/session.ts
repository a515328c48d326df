/** A session as its table shows it, and the limits of sessions. */
import type { Role } from '@secreg/protocol'
import type { TokenBoundary } from './access-token.ts'
import type { ZoneSession } from './zone-session.ts'

/** One session. A live view: its times and roles change with use. Times are of the table's monotonic clock. */
export interface Session {
  /** For the audit log and for lists: 32 hexadecimal digits of the hash of the id. Opens nothing. */
  readonly ref: string
  readonly accountId: string
  readonly login: string
  /** Empty while `stale`: whoever forgets to read the account again grants nothing by role. */
  readonly roles: readonly Role[]
  /** Empty while `stale`, too. */
  readonly groups: readonly string[]
  /** A second factor was shown when it was opened. */
  readonly mfa: boolean
  /** Ident of the access token that opened it. */
  readonly token?: string
  /** What bounds it: as its token said when it was opened. Absent where no token opened it. */
  readonly boundary?: TokenBoundary
  /** Good for nothing but setting up a second factor. */
  readonly restricted?: 'mfa-enrollment'
  /** Nobody showed a credential: a gateway said who it is. */
  readonly asserted?: true
  /** Nobody showed a credential: the account is the one that the uid of the peer is mapped to. */
  readonly kernel?: true
  /** A token of an account of a zone opened it: that account is `accountId`. */
  readonly zone?: ZoneSession
  /** Remote address, as a gateway said. */
  readonly address?: string
  /** The account changed: read it again and `refresh` before anything is decided. */
  readonly stale: boolean
  /** Uid of the peer that opened it, where the kernel vouches for it. Never assumed. Peers of this uid alone may use it. */
  readonly uid?: number
  /** Connection that alone may use it. */
  readonly binding?: object
  /** Whether it counts against the limit of its account. */
  readonly counted: boolean
  readonly createdAtMs: number
  readonly lastUsedAtMs: number
  /** When it ends if it is not used again. */
  readonly expiresAtMs: number
}

/** What is known of whoever opens a session. */
export interface SessionDetails {
  readonly accountId: string
  readonly login: string
  readonly roles: readonly Role[]
  /** Absent is none. */
  readonly groups?: readonly string[]
  /** Say false where no second factor was shown. */
  readonly mfa: boolean
  /** Ident of the access token that opens it, and its boundary: both or neither. */
  readonly token?: string
  readonly boundary?: TokenBoundary
  readonly restricted?: 'mfa-enrollment'
  readonly asserted?: true
  /** Needs the uid. */
  readonly kernel?: true
  /** Of `zoneSessionOf`; then there is no access token. */
  readonly zone?: ZoneSession
  readonly address?: string
  /** Bind it to peers of this uid: to any other it is unknown, root included. */
  readonly uid?: number
  /** Bind it to a connection: presented elsewhere it is unknown. */
  readonly binding?: object
  /** Default true. False: opened for a gateway, with a limit of its own (DESIGN §3). Needs a binding. */
  readonly counted?: boolean
  /** Absolute end, milliseconds from now, when shorter than the table's. */
  readonly lifetimeMs?: number
}

/** Who presents a session id, as far as it matters for what he may use. */
export interface Presenter {
  /** Connection that he is on. */
  readonly binding?: object
  /** His uid, where the kernel vouches for it. */
  readonly uid?: number
}

/** Limits of sessions. */
export interface SessionLimits {
  /** A session not used for so long has ended, milliseconds. */
  readonly idleMs: number
  /** A session ends so long after it was opened, milliseconds. */
  readonly lifetimeMs: number
  /** Sessions of one account. One more ends the least recently used. */
  readonly perAccount: number
  /** Sessions of one account that do not count against `perAccount`. One more ends the least recently used. */
  readonly uncountedPerAccount: number
  /** All sessions. One more is refused as busy. */
  readonly total: number
}

/** One hour of inactivity, 24 hours in all, five for an account (SecReg-Linux; its refresh-token lifetime is the cap). */
export const DEFAULT_SESSION_LIMITS: SessionLimits = Object.freeze({
  idleMs: 3_600_000,
  lifetimeMs: 86_400_000,
  perAccount: 5,
  uncountedPerAccount: 1024,
  total: 10_000,
})
