/** Actions of SecReg ACLs and roles, and what they are here (specs/secreg.md §3, §7.2 rows 24 and 25). */

import type { Action } from '../../action.ts'
import { inverted } from '../source.ts'

/** The five of SecReg, and `decrypt`, which row 24 lets an ACL grant. */
export type AclAction = 'read' | 'write' | 'delete' | 'grant' | 'admin' | 'decrypt'

/** What each action of an ACL stands for. `use-internal` is none of them. */
export const ACL_ACTIONS: Readonly<Record<AclAction, readonly Action[]>> = Object.freeze({
  read: ['list', 'read-metadata', 'read', 'watch'],
  write: ['create', 'update', 'patch', 'create-version', 'activate', 'write-metadata'],
  // SecReg has no history: who may delete there removes for good.
  delete: ['delete', 'undelete', 'destroy', 'purge'],
  grant: ['grant'],
  admin: [
    'account',
    'policy',
    'policy-read',
    'mount',
    'audit-read',
    'seal',
    'rotate',
    'backup',
    'export',
  ],
  decrypt: ['decrypt'],
})

/** The actions of an ACL that stand for an action; at most one does. */
export const ACL_WORDS: ReadonlyMap<Action, readonly AclAction[]> = inverted(ACL_ACTIONS)

/** What the owner of an ACL may, without any condition (row 25). */
export const OWNER_ACTIONS: readonly AclAction[] = Object.freeze(['read', 'write', 'grant'])

/** Tell whether a text is an action of an ACL. */
export function isAclAction(text: string): text is AclAction {
  return Object.hasOwn(ACL_ACTIONS, text)
}
