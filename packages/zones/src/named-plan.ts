/** Changes of groups and roles, as rows. Who has a name is in the rows of accounts. */
import { LIMITS, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import type { Account } from './account.ts'
import { checkLine, invalid, isBuiltInRole, isName, NAME_FORM } from './name.ts'
import { encodeNamed, type Named, type NamedKind, namedKey, readNamed } from './named-row.ts'
import { checkTime, deleteRow, putRow } from './row.ts'
import type { RowView } from './row-view.ts'

/** What to write, and the group or role as it is then (or was, when it is removed). */
export interface NamedPlan {
  readonly ops: readonly Op[]
  readonly named: Named
}

/** A new group or role. */
export interface NewNamed {
  readonly name: string
  /** Empty is as good as none. */
  readonly description?: string
}

/**
 * Make a group or a role.
 *
 * @throws SecregError `ERR_ALREADY_EXISTS`, also for a built-in role; `ERR_INVALID_ARGUMENT`
 */
export function planCreateNamed(
  view: RowView,
  kind: NamedKind,
  wanted: NewNamed,
  options: { readonly nowMs: number },
): NamedPlan {
  const { name } = wanted
  if (!isName(name)) throw invalid(`${kind} name: expected one ${NAME_FORM}`)
  if ((kind === 'role' && isBuiltInRole(name)) || readNamed(view, kind, name) !== undefined) {
    throw new SecregError('ALREADY_EXISTS', `${kind} ${name} exists already`)
  }
  return write(kind, { name, createdAtMs: checkTime(options.nowMs) }, wanted.description)
}

/**
 * Set the description; empty or undefined removes it.
 *
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_INVALID_ARGUMENT`
 */
export function planDescribeNamed(
  view: RowView,
  kind: NamedKind,
  name: string,
  description: string | undefined,
): NamedPlan {
  const before = find(view, kind, name)
  if ((description ?? '') === (before.description ?? '')) return { ops: [], named: before }
  const { description: _, ...rest } = before
  return write(kind, rest, description)
}

/**
 * Remove a group or role that no account has. One that is made again under the name would otherwise have them as
 * members from its start.
 *
 * @param accounts every account, as of the same moment as `view`
 * @throws SecregError `ERR_NOT_FOUND`; `ERR_IN_USE`; `ERR_INVALID_ARGUMENT` for a built-in role
 */
export function planRemoveNamed(
  view: RowView,
  kind: NamedKind,
  name: string,
  accounts: Iterable<Account>,
): NamedPlan {
  const named = find(view, kind, name)
  for (const account of accounts) {
    if (hasName(account, kind, name)) {
      throw new SecregError('IN_USE', `${kind} ${name} still has members`)
    }
  }
  return { ops: [deleteRow(namedKey(kind, name))], named }
}

/** Tell whether an account is in a group or has a role. */
export function hasName(account: Account, kind: NamedKind, name: string): boolean {
  return (kind === 'group' ? (account.groups ?? []) : account.roles).includes(name)
}

function find(view: RowView, kind: NamedKind, name: string): Named {
  if (kind === 'role' && isBuiltInRole(name)) {
    throw invalid(`role ${name} is built in and stays as it is`)
  }
  const named = readNamed(view, kind, name)
  if (named === undefined) throw noSuch(kind)
  return named
}

function write(kind: NamedKind, rest: Named, description: string | undefined): NamedPlan {
  const line = checkLine(description, LIMITS.descriptionChars, 'description')
  const { name, createdAtMs } = rest
  const named: Named = Object.freeze({
    name,
    ...(line === undefined ? {} : { description: line }),
    createdAtMs,
  })
  return { ops: [putRow(namedKey(kind, name), encodeNamed(named))], named }
}

/** A group or role that does not exist. */
export function noSuch(kind: NamedKind): SecregError {
  return new SecregError('NOT_FOUND', `no such ${kind}`)
}
