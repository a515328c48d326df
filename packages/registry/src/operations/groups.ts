/** Groups and roles (DESIGN §3, §7): names that accounts have and policies speak of. */
import {
  type Caller,
  type GroupInfo,
  type GroupResponse,
  type RequestOf,
  ROLES,
  SecregError,
} from '@secreg/protocol'
import type { KeyedRow } from '@secreg/storage'
import {
  type Account,
  decodeAccount,
  decodeNamed,
  GROUP_SPACE,
  hasName,
  type Named,
  type NamedPlan,
  normalizeLogin,
  planCreateNamed,
  planDescribeNamed,
  planJoinGroup,
  planLeaveGroup,
  planRemoveNamed,
  planSetRoles,
  ROLE_SPACE,
  type RowView,
  readAccountByLogin,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import type { Identity } from '../identity.ts'
import { ACCOUNT_SPACE } from '../keys.ts'
import { otherAdministrators, requireAdministrator } from '../policy/administrators.ts'
import { requireAssignable, requireMayTakeAway } from '../policy/authority.ts'
import { policiesNaming } from '../policy/naming.ts'
import { type Facts, recorded, recordedFailure, refusalBody } from '../recorded.ts'
import { withGroupName } from '../recorded-name.ts'
import { rowViewOf } from '../row-view.ts'
import { StagedRows } from '../staged-rows.ts'
import { noSuchUser } from './user-info.ts'

type GroupRequest = RequestOf<'group'>
type Asking = Extract<GroupRequest, { op: 'list' | 'show' }>
type Naming = Extract<GroupRequest, { op: 'add' | 'describe' | 'remove' }>
type Joining = Extract<GroupRequest, { op: 'join' | 'leave' }>

/**
 * Run one request about groups or roles.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`, `ERR_NOT_FOUND`, `ERR_USER_NOT_FOUND`,
 *   `ERR_ALREADY_EXISTS`, `ERR_IN_USE`, `ERR_INVALID_ARGUMENT`, `ERR_LAST_ADMINISTRATOR`, `ERR_SEALED`, and the
 *   failures of store and log
 */
export function group(
  identity: Identity,
  caller: Caller,
  request: GroupRequest,
): Promise<GroupResponse> {
  switch (request.op) {
    case 'list':
    case 'show':
      return listGroups(identity, caller, request)
    case 'join':
    case 'leave':
      return changeMember(identity, caller, request)
    default:
      return changeGroup(identity, caller, request)
  }
}

function listGroups(identity: Identity, caller: Caller, request: Asking): Promise<GroupResponse> {
  const { core } = identity
  const { kind } = request
  const facts: Facts = { action: 'admin', detail: `${kind}-${request.op}` }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    const named = new Map<string, Named | undefined>()
    if (kind === 'role') for (const role of ROLES) named.set(role, undefined)
    for await (const row of core.engine.iterate(kind === 'group' ? GROUP_SPACE : ROLE_SPACE)) {
      const one = decodeNamed(row.value, row.key)
      named.set(one.name, one)
    }
    if (request.op === 'show' && !named.has(request.name)) throw noSuch(kind)
    const names = request.op === 'show' ? [request.name] : [...named.keys()].sort()
    const members = await membersOf(identity, kind, new Set(names))
    facts.count = names.length
    return {
      groups: names.map((name) => infoOf(identity, kind, name, named.get(name), members.get(name))),
    }
  })
}

async function membersOf(
  { core }: Identity,
  kind: 'group' | 'role',
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const members = new Map<string, string[]>()
  for await (const row of core.engine.iterate(ACCOUNT_SPACE)) {
    const account = decodeAccount(row.value, row.key.slice(2))
    for (const name of kind === 'group' ? (account.groups ?? []) : account.roles) {
      if (!names.has(name)) continue
      const logins = members.get(name)
      if (logins === undefined) members.set(name, [account.login])
      else logins.push(account.login)
    }
  }
  for (const logins of members.values()) logins.sort()
  return members
}

function infoOf(
  { policies }: Identity,
  kind: 'group' | 'role',
  name: string,
  named: Named | undefined,
  members: readonly string[] = [],
): GroupInfo {
  return {
    name,
    ...(named?.description === undefined ? {} : { description: named.description }),
    ...(named === undefined ? { built_in: true as const } : { created_at: named.createdAtMs }),
    members,
    policies: policiesNaming(policies.current.documents, `${kind}:${name}`),
  }
}

/** Make, describe or remove the name itself. */
function changeGroup(identity: Identity, caller: Caller, request: Naming): Promise<GroupResponse> {
  const { core } = identity
  const { kind, name } = request
  const facts: Facts = { action: 'admin', detail: withGroupName(`${kind}-${request.op}`, name) }
  return core.writer.submit<GroupResponse>({
    plan: (view, found) => {
      core.authorizer.require(caller, 'account', '/')
      core.keys.requireUnsealed()
      if (request.op === 'remove') {
        const naming = policiesNaming(identity.policies.current.documents, `${kind}:${name}`)
        if (naming.length > 0) throw inUse(kind, name, `policies name it: ${naming.join(', ')}`)
        if (found === undefined) return membersScan(kind, name)
      }
      const plan = planOf(rowViewOf(view), request, found ?? [], core.now())
      const isGone = request.op === 'remove'
      return {
        ops: plan.ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        // What rests on the name is decided after this.
        publish: () => {},
        result: () => ({ groups: isGone ? [] : [infoOf(identity, kind, name, plan.named)] }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function planOf(
  view: RowView,
  request: Naming,
  found: readonly KeyedRow[],
  nowMs: number,
): NamedPlan {
  const { kind, name } = request
  if (request.op === 'add') {
    const { description } = request
    const wanted = { name, ...(description === undefined ? {} : { description }) }
    return planCreateNamed(view, kind, wanted, { nowMs })
  }
  if (request.op === 'describe') return planDescribeNamed(view, kind, name, request.description)
  const members = found.map((row) => decodeAccount(row.value, row.key.slice(2)))
  if (members.length > 0) {
    const logins = members.map(({ login }) => login)
    throw inUse(kind, name, `it has members, among them ${logins.join(', ')}`)
  }
  return planRemoveNamed(view, kind, name, [])
}

function membersScan(kind: 'group' | 'role', name: string) {
  const keep = (row: KeyedRow): boolean =>
    hasName(decodeAccount(row.value, row.key.slice(2)), kind, name)
  return { scan: ACCOUNT_SPACE, maxRows: 3, stopAtMax: true, keep }
}

function inUse(kind: 'group' | 'role', name: string, why: string): SecregError {
  return new SecregError('IN_USE', `${kind} ${name} is in use: ${why}`)
}

function noSuch(kind: 'group' | 'role'): SecregError {
  return new SecregError('NOT_FOUND', `no such ${kind}`)
}

/** Put a user in or out. */
async function changeMember(
  identity: Identity,
  caller: Caller,
  request: Joining,
): Promise<GroupResponse> {
  const { core, policies } = identity
  const { kind, name, op } = request
  const login = normalizeLogin(request.user)
  const facts: Facts = {
    action: 'admin',
    detail: `${withGroupName(`${kind}-${op}`, name)} ${login ?? ''}`.trim(),
  }
  const others = await recordedFailure(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    core.keys.requireUnsealed()
    return otherAdministrators(core, policies.current.compiled)
  })
  return core.writer.submit<GroupResponse>({
    plan: (view) => {
      core.authorizer.require(caller, 'account', '/')
      core.keys.requireUnsealed()
      const staged = new StagedRows(rowViewOf(view))
      const before = login === undefined ? undefined : readAccountByLogin(staged, login)
      if (before === undefined) throw noSuchUser()
      const account = joined(identity, caller, staged, before, request)
      requireAdministrator(staged, policies.current.compiled, core.now(), others)
      const ops = staged.ops()
      const change = kind === 'group' ? 'groups' : 'roles'
      return {
        ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        publish: () => identity.accountChanged(account.id, change, ops),
        result: () => ({ groups: [] }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function joined(
  identity: Identity,
  caller: Caller,
  staged: StagedRows,
  before: Account,
  { kind, name, op }: Joining,
): Account {
  const now = { nowMs: identity.core.now() }
  if (op === 'join') requireAssignable(identity, caller, kind, [name])
  else requireMayTakeAway(identity, caller, [name])
  if (kind === 'group') {
    const plan = op === 'join' ? planJoinGroup : planLeaveGroup
    return staged.take(plan(staged, before.id, name, now))
  }
  const left = before.roles.filter((role) => role !== name)
  const roles = op === 'join' ? [...left, name] : left
  return staged.take(planSetRoles(staged, before.id, roles, now))
}
