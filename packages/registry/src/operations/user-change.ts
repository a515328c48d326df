/** Changes of accounts: who may make them, and what becomes of sessions and of the user's own subtree. */
import { type Caller, type RequestOf, SecregError, type UserResponse } from '@secreg/protocol'
import type { KeyedRow, Op, Row } from '@secreg/storage'
import {
  type Account,
  type AccountPlan,
  type HashedPassword,
  hashNewPassword,
  normalizeLogin,
  planBumpGeneration,
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planEnableAccount,
  planRenameAccount,
  planSetGroups,
  planSetPassword,
  planSetRoles,
  planSetSystem,
  planSetUids,
  readAccountByLogin,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { homePolicy, homePolicyId } from '../built-in-policies.ts'
import { decodeEntry, isExpired } from '../entry.ts'
import type { View } from '../group-view.ts'
import type { Identity } from '../identity.ts'
import { entriesBelow, entryKey, policyKey } from '../keys.ts'
import type { Scan } from '../operation.ts'
import { encodePolicy } from '../policies.ts'
import { otherAdministrators, requireAdministrator } from '../policy/administrators.ts'
import {
  ownsHome,
  requireAssignable,
  requireMayActAs,
  requireMayTakeAway,
} from '../policy/authority.ts'
import { withHome } from '../policy/home.ts'
import { type Facts, recordedFailure, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { requirePasswordSession } from '../session-api.ts'
import { StagedRows } from '../staged-rows.ts'
import { infoOfUser, noSuchUser } from './user-info.ts'

type ChangeRequest = Exclude<RequestOf<'user'>, { op: 'list' } | { op: 'show' }>

/** Changes that let somebody act as the account, or make its credentials. */
const CREDENTIALS: ReadonlySet<ChangeRequest['op']> = new Set([
  'password',
  'system',
  'uids',
  'enable',
])

/** Also a new account, which outlives the token that it was made with, if somebody can log in to it. */
function makesCredentials(request: ChangeRequest): boolean {
  if (request.op !== 'add') return CREDENTIALS.has(request.op)
  const { password, system = false, uids = [] } = request
  return password !== undefined || system || uids.length > 0
}

/** Changes by which somebody may stop being an administrator. */
const LESSENING: ReadonlySet<ChangeRequest['op']> = new Set([
  'remove',
  'disable',
  'roles',
  'groups',
  'system',
])

/** Change one account; see `user`. */
export async function changeUser(
  identity: Identity,
  caller: Caller,
  request: ChangeRequest,
): Promise<UserResponse> {
  const { core, hasher, policies } = identity
  const login = normalizeLogin(request.user)
  const facts: Facts = { action: 'admin', detail: detailOf(request, login) }
  // Decided once before the costly hash, and again in the writer's turn, where it counts.
  const { hash, others } = await recordedFailure(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    core.keys.requireUnsealed()
    if (makesCredentials(request)) requirePasswordSession(caller)
    return {
      hash: await hashOf(request, login, hasher),
      others: LESSENING.has(request.op)
        ? await otherAdministrators(core, policies.current.compiled)
        : [],
    }
  })
  return core.writer.submit({
    plan: (view, found) => {
      core.authorizer.require(caller, 'account', '/')
      core.keys.requireUnsealed()
      const next = homeScan(identity, view, request, login, found)
      if (next !== undefined) return next
      const staged = new StagedRows(rowViewOf(view))
      const account = planOf({ identity, caller, staged, login, hash }, request)
      if (LESSENING.has(request.op)) {
        requireAdministrator(staged, policies.current.compiled, core.now(), others)
      }
      const ops = staged.ops()
      const info = infoOfUser(staged, account)
      return {
        ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        publish: () => identity.accountChanged(account.id, request.op, ops),
        result: () => ({ users: [info] }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function detailOf(request: ChangeRequest, login: string | undefined): string {
  const who = `user-${request.op} ${login ?? ''}`.trim()
  switch (request.op) {
    case 'add':
      return [who, ...(request.roles ?? []).map((role) => `role:${loggedName(role)}`)].join(' ')
    case 'roles':
      return [who, ...request.roles.map(loggedName)].join(' ')
    case 'groups':
      return [who, ...request.groups.map(loggedName)].join(' ')
    case 'rename':
      return `${who} ${normalizeLogin(request.name) ?? ''}`.trim()
    case 'uids':
      return [who, ...request.uids].join(' ')
    case 'system':
      return `${who} ${request.system}`
    default:
      return who
  }
}

/** A name as the log shows it: nothing that could be taken for another word. */
function loggedName(name: string): string {
  return /^[a-z0-9_-]{1,32}$/.test(name) ? name : '?'
}

async function hashOf(
  request: ChangeRequest,
  login: string | undefined,
  hasher: Identity['hasher'],
): Promise<HashedPassword | undefined> {
  if (request.op !== 'add' && request.op !== 'password') return undefined
  if (request.password === undefined) return undefined
  return hashNewPassword(hasher, request.password, login === undefined ? {} : { login })
}

/**
 * What an account of the same name left behind is nothing that a new one may inherit (DESIGN §7); a subtree that is
 * somebody's, who gave the name away, even less.
 */
function homeScan(
  identity: Identity,
  view: View,
  request: ChangeRequest,
  login: string | undefined,
  found: readonly KeyedRow[] | undefined,
): Scan | undefined {
  if (request.op !== 'add' && request.op !== 'rename') return undefined
  const rows = rowViewOf(view)
  const name = request.op === 'add' ? login : normalizeLogin(request.name)
  if (name === undefined || readAccountByLogin(rows, name) !== undefined) return undefined
  const home = `/user/${name}`
  const renamed =
    request.op === 'add' || login === undefined ? undefined : readAccountByLogin(rows, login)
  // Who gets a name back that he had finds what is his.
  if (ownsHome(identity, home, renamed?.id)) return undefined
  const { core } = identity
  // Deleted ones count: whoever owns the subtree can bring them back.
  const keep = (row: Row): boolean => !isExpired(decodeEntry(row), core.clock.now())
  if (found === undefined) return { scan: entriesBelow(home), maxRows: 1, stopAtMax: true, keep }
  const own = view.get(entryKey(home))
  if (found.length === 0 && (own === undefined || !keep(own))) return undefined
  throw new SecregError(
    'ALREADY_EXISTS',
    `there are keys at or below ${home}, which would belong to the new user: purge them first (sreg purge ${home} --recursive)`,
  )
}

interface Change {
  readonly identity: Identity
  readonly caller: Caller
  readonly staged: StagedRows
  readonly login: string | undefined
  readonly hash: HashedPassword | undefined
}

function planOf(change: Change, request: ChangeRequest): Account {
  const { identity, caller, staged, login, hash } = change
  if (request.op === 'add') return addUser(change, request)
  const before = login === undefined ? undefined : readAccountByLogin(staged, login)
  if (before === undefined) throw noSuchUser()
  if (before.roles.some((role) => role !== 'user')) {
    identity.core.authorizer.require(caller, 'grant', '/')
  }
  if (CREDENTIALS.has(request.op)) requireMayActAs(identity, caller, before, { home: false })
  const { id } = before
  const now = { nowMs: identity.core.now() }
  const take = (plan: AccountPlan): Account => staged.take(plan)
  switch (request.op) {
    case 'roles':
      requireMayTakeAway(identity, caller, added(before.roles, request.roles))
      requireAssignable(identity, caller, 'role', added(request.roles, before.roles))
      return take(planSetRoles(staged, id, request.roles, now))
    case 'groups':
      requireMayTakeAway(identity, caller, added(before.groups ?? [], request.groups))
      requireAssignable(identity, caller, 'group', added(request.groups, before.groups))
      return take(planSetGroups(staged, id, request.groups, now))
    case 'uids':
      return take(planSetUids(staged, id, request.uids, now))
    case 'system':
      return take(planSetSystem(staged, id, request.system, now))
    case 'password':
      return take(planSetPassword(staged, id, hash, now))
    case 'enable':
      return take(planEnableAccount(staged, id, now))
    case 'disable':
      return take(planDisableAccount(staged, id, now))
    case 'revoke':
      return take(planBumpGeneration(staged, id, now))
    case 'rename':
      return renameUser(change, before, request.name)
    case 'remove': {
      const account = take(planDeleteAccount(staged, id))
      staged.put({ type: 'delete', key: policyKey(homePolicyId(id)) })
      return account
    }
  }
}

function added(names: readonly string[], before: readonly string[] = []): readonly string[] {
  return names.filter((name) => !before.includes(name))
}

function addUser(
  { identity, caller, staged, login, hash }: Change,
  request: Extract<ChangeRequest, { op: 'add' }>,
): Account {
  const { groups = [], roles = ['user'], system = false, uids = [] } = request
  requireAssignable(identity, caller, 'role', roles)
  requireAssignable(identity, caller, 'group', groups)
  const { core } = identity
  const account = staged.take(
    planCreateAccount(
      staged,
      {
        login: login ?? request.user,
        roles,
        groups,
        uids,
        system,
        ...(hash === undefined ? {} : { password: hash }),
      },
      { nowMs: core.now(), crypto: core.crypto },
    ),
  )
  staged.put(homePolicyOp(account))
  return account
}

/** He keeps what is his: the subtree of his old name as well, which so nobody else can have. */
function renameUser({ identity, staged }: Change, before: Account, to: string): Account {
  const login = normalizeLogin(to)
  const nowMs = identity.core.now()
  const account = staged.take(planRenameAccount(staged, before.id, login ?? to, { nowMs }))
  const id = homePolicyId(account.id)
  const home = identity.policies.current.documents.get(id)
  if (home !== undefined) {
    const value = encodePolicy(withHome(home, account.login))
    staged.put({ type: 'put', key: policyKey(id), value })
  }
  return account
}

/** The row of the policy that gives a new account its own subtree. */
export function homePolicyOp({ id, login }: Account): Op {
  return {
    type: 'put',
    key: policyKey(homePolicyId(id)),
    value: encodePolicy(homePolicy(id, login)),
  }
}
