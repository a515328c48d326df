/** What is recorded of one operation, through whichever door (DESIGN §2, §8). */
import type { Door, Proof } from './caller.ts'
import type { Reason, Status } from './errors.ts'

/** Names of operations in the audit log (specs: "Operation performed"). */
export const AUDIT_ACTIONS = Object.freeze([
  'auth',
  'logout',
  'read',
  'decrypt',
  'write',
  'delete',
  'list',
  'grant',
  'admin',
  'export',
  'import',
  'init',
  'unlock',
  'lock',
  'audit',
  'audit-proof',
  'checkpoint',
  'recover',
  'history',
  'read-metadata',
  'write-metadata',
  'rollback',
  'activate',
  'undelete',
  'destroy',
  'purge',
  'expire',
  'copy',
  'move',
  'search',
  'watch',
  'transaction',
  'mount',
  'rotate',
  'retention',
  'protector',
  'backup',
  'restore',
  'secret',
] as const)

/** Name of an operation in the audit log. */
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

export const AUDIT_OUTCOMES = Object.freeze(['ok', 'denied', 'failed'] as const)

/** How an operation ended. */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

/** Who did it, as recorded. */
export interface AuditActor {
  /** First of the policy principals, of a caller who has no login: `uid:33`, `user:` of another system, … */
  readonly principal?: string
  readonly user?: string
  /** 128-bit id in hexadecimal. */
  readonly account?: string
  readonly roles?: readonly string[]
  /** Known from the kernel only; so are `gid` and `pid`. */
  readonly uid?: number
  readonly gid?: number
  readonly pid?: number
  /** Reference of the session; not its credential. */
  readonly session?: string
  /** Ident of the token that opened the session. */
  readonly token?: string
  readonly door: Door
  /** Remote address, name of the socket, or the part of the daemon that acts by itself. */
  readonly address?: string
  readonly proof: Proof
  readonly mfa: boolean
}

/** Body of one audit record: one operation. Holds no value; a keyed hash of one only where the configuration asks for it. */
export interface AuditBody {
  readonly action: AuditAction
  readonly outcome: AuditOutcome
  /**
   * Every path it was about, canonical; a listing or subtree names its prefix. Of `secret`, canonical URIs of secrets and
   * prefixes.
   */
  readonly paths: readonly string[]
  readonly actor: AuditActor
  /** Why it was denied or failed; absent when it was not. */
  readonly reason?: Reason
  /** Coarse code of the same, 1 to 8: also what a command exits with. */
  readonly code?: Exclude<Status, 0>
  /** Version read or made, per path, where there is one. */
  readonly versions?: readonly number[]
  /** Finer name of an administrative operation, for example `user-add`. */
  readonly detail?: string
  /** Number of entries concerned, where paths names a prefix; of records, where many share one. */
  readonly count?: number
  /** Id that the caller gave to what this is a part of. */
  readonly correlation?: string
  /** Id of the decision of an outside decision point. */
  readonly decision?: string
  /** What the caller said he needs it for. */
  readonly purpose?: string
  /** By written path, `hmac-sha256:` and base64url of the value under the registry's key for references; where it is asked for. */
  readonly value_hashes?: Readonly<Record<string, string>>
  /** Of `secret` alone: the events that it is to those who are told of it, as they are told; `count` where there were more. */
  readonly events?: readonly object[]
}
