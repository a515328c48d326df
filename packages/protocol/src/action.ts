/** Actions that policy decides on (DESIGN §7), and the action names of the audit log. */

/** Every action, entries first, then administration. */
export const ACTIONS = Object.freeze([
  'list',
  'read-metadata',
  'read',
  'decrypt',
  'use-internal',
  'watch',
  'create',
  'update',
  'patch',
  'create-version',
  'activate',
  'delete',
  'undelete',
  'destroy',
  'purge',
  'write-metadata',
  'grant',
  'account',
  'policy',
  'policy-read',
  'mount',
  'audit-read',
  'seal',
  'rotate',
  'backup',
  'export',
] as const)

/** What a caller wants to do. */
export type Action = (typeof ACTIONS)[number]

/** Roles that every registry has (SecReg-Linux docs, "Roles"). What they may do is a policy document, not code. */
export const ROLES = Object.freeze(['admin', 'operator', 'auditor', 'user'] as const)

/** Role of an account: one of {@link ROLES}, or one that somebody has made. */
export type Role = string

const NAME = /^[a-z][a-z0-9_-]{0,31}$/

/** Tell whether a text can be the name of a role or group: `[a-z][a-z0-9_-]*`, 1 to 32 characters. */
export function isRoleName(text: string): boolean {
  return NAME.test(text)
}

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
  'protector',
  'backup',
  'restore',
] as const)

/** Name of an operation in the audit log. */
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** How an operation ended. */
export type AuditOutcome = 'ok' | 'denied' | 'failed'

/** Who did it, as recorded. */
export interface AuditActor {
  readonly user?: string
  readonly account?: string
  readonly roles?: readonly string[]
  readonly uid?: number
  readonly gid?: number
  readonly pid?: number
  readonly session?: string
  /** Ident of the token that opened the session. */
  readonly token?: string
  readonly door: string
  readonly address?: string
  readonly proof: string
  readonly mfa: boolean
}

/** Body of one audit record: one operation, through whichever door. Holds no value, not even hashed. */
export interface AuditBody {
  readonly action: AuditAction
  readonly outcome: AuditOutcome
  /** Every path it was about, canonical; a listing or subtree names its prefix. */
  readonly paths: readonly string[]
  readonly actor: AuditActor
  /** Reason when it was denied or failed. */
  readonly reason?: string
  /** Version read or made, per path, where there is one. */
  readonly versions?: readonly number[]
  /** Finer name of an administrative operation, for example `user-add`. */
  readonly detail?: string
  /** Number of entries concerned, where paths names a prefix. */
  readonly count?: number
  readonly correlation?: string
}
