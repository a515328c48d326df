/**
 * Roles of SecReg as a document (specs/secreg.md §3; §7.2 row 24): what a role grants adds to what ACLs grant, and the
 * baseline leaves out `/security` and decrypt unless an ACL grants them. A native deny would beat those ACLs, so the
 * result is a document of ACLs: the one of a left-out path is nearer there than that of the root.
 */

import type { AclDocument } from '../document.ts'
import type { AclAction } from './actions.ts'
import type { AclCondition, AclPermission } from './types.ts'

/** The roles that SecReg documents. */
export const SECREG_ROLES: Readonly<Record<string, readonly AclAction[]>> = Object.freeze({
  admin: Object.freeze(['read', 'write', 'delete', 'grant', 'admin'] as const),
  operator: Object.freeze(['read', 'write'] as const),
  auditor: Object.freeze(['read'] as const),
})

/** Options of {@link importRoles}. */
export interface ImportRolesOptions {
  /** Id of the document. Default `roles`. */
  readonly id?: string
  /** Paths where only the roles of `everywhere` hold, with all below them. Default `['/security']`. */
  readonly except?: readonly string[]
  /** Roles that hold in those paths too. Default `['admin']`. */
  readonly everywhere?: readonly string[]
  /** Roles that need a second factor. Default none. */
  readonly requireMfa?: readonly string[]
}

/**
 * A document that grants roles what they grant in SecReg.
 *
 * @param roles actions by name of role. Default {@link SECREG_ROLES}
 * @returns for `compile`, which checks it
 */
export function importRoles(
  roles: Readonly<Record<string, readonly AclAction[]>> = SECREG_ROLES,
  options: ImportRolesOptions = {},
): AclDocument {
  const { id = 'roles', except = ['/security'], everywhere = ['admin'], requireMfa = [] } = options
  const permissionsOf = (names: readonly string[]): readonly AclPermission[] =>
    names.map((name) => ({
      principal_type: 'role',
      principal_name: name,
      actions: roles[name] ?? [],
      ...(requireMfa.includes(name) ? { conditions: MFA } : {}),
    }))
  const names = Object.keys(roles)
  const inheritance = { mode: 'all', depth: 0 } as const
  const kept = permissionsOf(names.filter((name) => everywhere.includes(name)))
  const acls = except.map((path) => [path, { permissions: kept, inheritance }] as const)
  return {
    id,
    source: 'acl',
    principals: names.map((name) => `role:${name}`),
    mount: '/',
    acls: Object.fromEntries([['/', { permissions: permissionsOf(names), inheritance }], ...acls]),
  }
}

const MFA: readonly AclCondition[] = Object.freeze([{ type: 'require_mfa', require_mfa: true }])
