/**
 * What somebody must have who changes an ACL (specs/secreg.md §8, 46): `grant` on its path, and everything that the
 * change gives to anybody there or below. Whoever enforces it asks `decide` and `covers`.
 */

import type { Action } from '../../action.ts'
import { ConditionScope } from '../../condition.ts'
import { Reader } from '../../reader.ts'
import { isLiteralPath } from '../mount.ts'
import { ACL_ACTIONS, type AclAction, OWNER_ACTIONS } from './actions.ts'
import { nearestAcl } from './rules.ts'
import { type ReadAcl, readAcl } from './source.ts'
import type { Acl } from './types.ts'

/** Something that the changer must be allowed. */
export interface AclChangeNeed {
  readonly action: Action
  /** A resource pattern: the path itself, or everything below it. */
  readonly resource: string
}

/** Deepest path (DESIGN §4), and one level more, where only unlimited inheritance reaches. */
const MAX_LEVELS = 33

/** What one principal may by an ACL, and under which conditions. */
interface Given {
  readonly principal: string
  readonly action: AclAction
  /** Texts of the conditions. */
  readonly conditions: readonly string[]
}

/**
 * What a change of the ACL of one path needs. Taking an ACL away, or narrowing its inheritance, can give too: what a
 * farther ACL then says counts as given.
 *
 * @param acls all ACLs of the document before the change, by path
 * @param path whose ACL changes
 * @param next its new ACL; `undefined` removes it
 * @returns `grant` on the path first; without duplicates
 * @throws PolicyError for an ACL that `compile` would refuse, RangeError for a path that is none
 */
export function aclChangeNeeds(
  acls: Readonly<Record<string, Acl>>,
  path: string,
  next: Acl | undefined,
): readonly AclChangeNeed[] {
  if (!isLiteralPath(path)) throw new RangeError('path: expected a canonical path')
  const before = readAll(acls)
  const after = new Map(before)
  if (next === undefined) after.delete(path)
  else
    after.set(
      path,
      readAcl(new Reader(next, { documentIndex: 0 }), path, new ConditionScope('UTC')),
    )
  const needs = new Map<string, AclChangeNeed>()
  const need = (action: Action, resource: string): void => {
    needs.set(`${action} ${resource}`, { action, resource })
  }
  need('grant', path)
  const subtree = path === '/' ? '/**' : `${path}/**`
  for (let level = 0; level <= MAX_LEVELS; level++) {
    for (const action of given(reaching(before, path, level), reaching(after, path, level))) {
      for (const each of ACL_ACTIONS[action]) need(each, level === 0 ? path : subtree)
    }
  }
  return [...needs.values()]
}

function readAll(acls: Readonly<Record<string, Acl>>): ReadonlyMap<string, ReadAcl> {
  // Only texts of conditions are compared, so any zone does.
  const scope = new ConditionScope('UTC')
  const at = new Reader(acls, { documentIndex: 0 })
  return new Map(
    at.entries('ERR_POLICY_SHAPE').map(([path, acl]) => [path, readAcl(acl, path, scope)]),
  )
}

/** The ACL that speaks this many levels below a path, where nothing nearer does. */
function reaching(
  acls: ReadonlyMap<string, ReadAcl>,
  path: string,
  level: number,
): ReadAcl | undefined {
  if (level === 0) return nearestAcl(acls, path)
  const above = new Map(
    [...acls].filter(([key]) => key === '/' || key === path || path.startsWith(`${key}/`)),
  )
  // No segment is `-` in the ACLs that are left, all of which are at or above the path.
  return nearestAcl(above, `${path === '/' ? '' : path}${'/-'.repeat(level)}`)
}

/** Actions that somebody has after and did not have before, or only under more or other conditions. */
function given(before: ReadAcl | undefined, after: ReadAcl | undefined): ReadonlySet<AclAction> {
  const had = givenBy(before)
  const added = givenBy(after).filter(({ principal, action, conditions }) => {
    return !had.some(
      (old) =>
        old.principal === principal &&
        old.action === action &&
        old.conditions.every((condition) => conditions.includes(condition)),
    )
  })
  return new Set(added.map(({ action }) => action))
}

function givenBy(acl: ReadAcl | undefined): readonly Given[] {
  if (acl === undefined) return []
  const { owner, permissions } = acl
  const owned: Given[] = OWNER_ACTIONS.flatMap((action) => {
    return owner === undefined ? [] : { principal: owner, action, conditions: [] }
  })
  const permitted = permissions.flatMap(({ principal, actions, conditions }) =>
    [...actions].map((action) => {
      const texts = conditions.map(({ name, wants }) => `${name} ${wants}`)
      return { principal, action, conditions: texts }
    }),
  )
  return [...owned, ...permitted]
}
