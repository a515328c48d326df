/** Documents of source `acl`: SecReg ACLs by path (specs/secreg.md §3, §7.2 rows 24 to 28). */

import type { ConditionScope } from '../../condition.ts'
import { quote, type Reader } from '../../reader.ts'
import { PRINCIPAL } from '../../rule.ts'
import type { ForeignHead } from '../head.ts'
import { below, isLiteralPath } from '../mount.ts'
import { ACL_ACTIONS, type AclAction, isAclAction } from './actions.ts'
import { type ReadAclCondition, readAclCondition } from './conditions.ts'

/** A permission that was read. */
export interface ReadPermission {
  /** `documentId/path#index`. */
  readonly name: string
  readonly principal: string
  readonly actions: ReadonlySet<AclAction>
  readonly conditions: readonly ReadAclCondition[]
}

/** An ACL that was read. */
export interface ReadAcl {
  /** `documentId/path#owner`. */
  readonly ownerName: string
  readonly owner: string | undefined
  readonly permissions: readonly ReadPermission[]
  /** Levels below its own path for which it speaks; may be infinite. */
  readonly levels: number
}

/** A document that was read. */
export interface AclSource extends ForeignHead {
  readonly kind: 'acl'
  /** By path. */
  readonly acls: ReadonlyMap<string, ReadAcl>
}

/** Members of such a document beside those that all have. */
export const ACL_MEMBERS: readonly string[] = ['acls']

/** Read what is SecReg's in a document. */
export function readAcls(at: Reader, head: ForeignHead, scope: ConditionScope): AclSource {
  const acls = new Map<string, ReadAcl>()
  for (const [path, item] of at.member('acls').entries('ERR_POLICY_SHAPE')) {
    if (!isLiteralPath(path) || below(head.mount, path) === undefined) {
      throw item.error('ERR_POLICY_PATTERN', `${quote(path)} is not a path at or below the mount`)
    }
    acls.set(path, readAcl(item, `${head.id}${path}`, scope))
  }
  return { ...head, kind: 'acl', acls }
}

const ACL_OBJECT: ReadonlySet<string> = new Set([
  'owner',
  'owner_group',
  'permissions',
  'inheritance',
])

/** Read one ACL. @param name what the names of its rules begin with */
export function readAcl(at: Reader, name: string, scope: ConditionScope): ReadAcl {
  at.object(ACL_OBJECT)
  const owner = at.optional('owner')
  at.optional('owner_group')?.text('ERR_POLICY_PRINCIPAL')
  const permissions = at.optional('permissions')?.items({ min: 0 }) ?? []
  return {
    ownerName: `${name}#owner`,
    owner: owner === undefined ? undefined : readOwner(owner),
    permissions: permissions.map((item, index) => readPermission(item, `${name}#${index}`, scope)),
    levels: readLevels(at.optional('inheritance')),
  }
}

/** A login becomes `user:login`; what is written with a kind stands as it is. */
function readOwner(at: Reader): string {
  const text = at.text('ERR_POLICY_PRINCIPAL')
  return principalOf(at, PRINCIPAL.test(text) ? text : `user:${text}`)
}

function principalOf(at: Reader, principal: string): string {
  if (PRINCIPAL.test(principal)) return principal
  throw at.error('ERR_POLICY_PRINCIPAL', `${quote(principal)} is not a principal`)
}

const PERMISSION: ReadonlySet<string> = new Set([
  'principal_type',
  'principal_name',
  'actions',
  'conditions',
])
const PRINCIPAL_TYPES: readonly string[] = ['user', 'group', 'role', 'service', 'account']

function readPermission(at: Reader, name: string, scope: ConditionScope): ReadPermission {
  at.object(PERMISSION)
  const typeAt = at.member('principal_type')
  const type = typeAt.text('ERR_POLICY_PRINCIPAL')
  if (!PRINCIPAL_TYPES.includes(type)) {
    const known = PRINCIPAL_TYPES.join(', ')
    throw typeAt.error('ERR_POLICY_PRINCIPAL', `${quote(type)} is not one of ${known}`)
  }
  const nameAt = at.member('principal_name')
  return {
    name,
    principal: principalOf(nameAt, `${type}:${nameAt.text('ERR_POLICY_PRINCIPAL')}`),
    actions: new Set(at.member('actions').items({ min: 1 }, 'ERR_POLICY_ACTION').map(readAction)),
    conditions: (at.optional('conditions')?.items({ min: 0 }, 'ERR_POLICY_CONDITION') ?? []).map(
      (item) => readAclCondition(item, scope),
    ),
  }
}

function readAction(at: Reader): AclAction {
  const text = at.text('ERR_POLICY_ACTION')
  if (isAclAction(text)) return text
  const known = Object.keys(ACL_ACTIONS).join(', ')
  throw at.error('ERR_POLICY_ACTION', `${quote(text)} is not an action: ${known}`)
}

const INHERITANCE: ReadonlySet<string> = new Set(['mode', 'depth'])

function readLevels(at: Reader | undefined): number {
  if (at === undefined) return 0
  at.object(INHERITANCE)
  const depth = readDepth(at.optional('depth'))
  const modeAt = at.member('mode')
  switch (modeAt.value) {
    case 'none':
      return 0
    case 'parent':
      return 1
    case 'all':
      return depth === 0 ? Number.POSITIVE_INFINITY : depth
    default:
      throw modeAt.error('ERR_POLICY_SHAPE', 'expected "none", "parent" or "all"')
  }
}

function readDepth(at: Reader | undefined): number {
  if (at === undefined) return 0
  const { value } = at
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw at.error('ERR_POLICY_SHAPE', 'expected a whole number of levels from 0')
}
