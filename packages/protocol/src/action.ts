/** Actions that policy decides on (DESIGN §7), and the roles that every registry has. */

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
