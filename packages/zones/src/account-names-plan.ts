/** Which roles an account has and which groups it is in, as rows. */
import type { Role } from '@secreg/protocol'
import type { Account } from './account.ts'
import { type AccountPlan, findAccount, replaceAccount } from './account-change.ts'
import { sortNames, sortRoles } from './name.ts'
import { noSuch } from './named-plan.ts'
import { existsNamed, type NamedKind } from './named-row.ts'
import { checkTime } from './row.ts'
import type { RowView } from './row-view.ts'

/**
 * Set the roles.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_NOT_FOUND` for a role that does not exist, `ERR_INVALID_ARGUMENT`,
 *   `ERR_LAST_ADMINISTRATOR`
 */
export function planSetRoles(
  view: RowView,
  id: string,
  roles: readonly Role[],
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  const sorted = sortRoles(roles)
  if (sorted.join() === before.roles.join()) return { ops: [], account: before }
  requireNamed(view, 'role', sorted)
  return replaceAccount(view, before, {
    ...before,
    roles: sorted,
    modifiedAtMs: checkTime(options.nowMs),
  })
}

/**
 * Set the groups.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_NOT_FOUND` for a group that does not exist, `ERR_INVALID_ARGUMENT`
 */
export function planSetGroups(
  view: RowView,
  id: string,
  groups: readonly string[],
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  const sorted = sortNames(groups, 'groups')
  requireNamed(view, 'group', sorted)
  return setGroups(view, before, sorted, options.nowMs)
}

/**
 * Let an account join a group; one that it is in already changes nothing.
 *
 * @throws as {@link planSetGroups}
 */
export function planJoinGroup(
  view: RowView,
  id: string,
  group: string,
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  requireNamed(view, 'group', [group])
  return setGroups(
    view,
    before,
    sortNames([...(before.groups ?? []), group], 'groups'),
    options.nowMs,
  )
}

/**
 * Let an account leave a group; one that it is not in changes nothing.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`
 */
export function planLeaveGroup(
  view: RowView,
  id: string,
  group: string,
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  const left = (before.groups ?? []).filter((name) => name !== group)
  return setGroups(view, before, left, options.nowMs)
}

/**
 * Demand that every name exists.
 *
 * @throws SecregError `ERR_NOT_FOUND`
 */
export function requireNamed(view: RowView, kind: NamedKind, names: readonly string[]): void {
  if (!names.every((name) => existsNamed(view, kind, name))) throw noSuch(kind)
}

function setGroups(
  view: RowView,
  before: Account,
  groups: readonly string[],
  nowMs: number,
): AccountPlan {
  if (groups.join() === (before.groups ?? []).join()) return { ops: [], account: before }
  const { groups: _, ...rest } = before
  return replaceAccount(view, before, {
    ...rest,
    modifiedAtMs: checkTime(nowMs),
    ...(groups.length === 0 ? {} : { groups: Object.freeze(groups) }),
  })
}
