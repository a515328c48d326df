/** Administration of accounts (DESIGN §3): plans of `@secreg/zones`, decided, recorded and committed here. */
import {
  type AuditAction,
  type Caller,
  type OkResponse,
  type RequestOf,
  type Role,
  SecregError,
  type UserInfo,
  type UserResponse,
} from '@secreg/protocol'
import type { Op, Row } from '@secreg/storage'
import {
  type Account,
  type AccountPlan,
  decodeAccount,
  hashNewPassword,
  normalizeLogin,
  normalizePassword,
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planEnableAccount,
  planSetPassword,
  planSetRoles,
  readAccountByLogin,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { homePolicy, homePolicyId } from '../built-in-policies.ts'
import { decodeEntry, isExpired } from '../entry.ts'
import type { View } from '../group-view.ts'
import type { Identity } from '../identity.ts'
import { ACCOUNT_SPACE, entriesBelow, entryKey, policyKey } from '../keys.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'

type UserRequest = RequestOf<'user'>
type ChangeRequest = Exclude<UserRequest, { op: 'list' } | { op: 'show' }>

const encoder = new TextEncoder()

/**
 * Run one request of account administration.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_USER_NOT_FOUND`, `ERR_USER_EXISTS`, `ERR_PASSWORD_POLICY`,
 *   `ERR_LAST_ADMINISTRATOR`, `ERR_SEALED`, and the failures of store and log
 */
export function user(
  identity: Identity,
  caller: Caller,
  request: UserRequest,
): Promise<UserResponse> {
  if (request.op === 'list' || request.op === 'show') return listUsers(identity, caller, request)
  return changeUser(identity, caller, request)
}

function listUsers(
  { core }: Identity,
  caller: Caller,
  request: Extract<UserRequest, { op: 'list' | 'show' }>,
): Promise<UserResponse> {
  const facts: Facts = { action: 'admin', detail: `user-${request.op}` }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    const users: UserInfo[] = []
    for await (const row of core.engine.iterate(ACCOUNT_SPACE)) {
      const account = decodeAccount(row.value, row.key.slice(2))
      if (request.op === 'list' || account.login === normalizeLogin(request.user)) {
        users.push(infoOf(account))
      }
    }
    if (request.op === 'show' && users.length === 0) throw noSuchUser()
    users.sort((a, b) => (a.user < b.user ? -1 : 1))
    facts.count = users.length
    return { users }
  })
}

function infoOf(account: Account): UserInfo {
  return {
    user: account.login,
    account: account.id,
    roles: account.roles,
    disabled: account.disabled,
    created_at: account.createdAtMs,
  }
}

async function changeUser(
  identity: Identity,
  caller: Caller,
  request: ChangeRequest,
): Promise<UserResponse> {
  const { core, hasher } = identity
  const login = normalizeLogin(request.user)
  const facts: Facts = { action: 'admin', detail: `user-${request.op} ${login ?? ''}`.trim() }
  // Decided once before the costly hash, and again in the writer's turn, where it counts.
  const prepared = await recordedFailure(identity, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    core.keys.requireUnsealed()
    if (request.op !== 'add' && request.op !== 'password') return undefined
    return hashNewPassword(hasher, request.password, login === undefined ? {} : { login })
  })
  return core.writer.submit({
    plan: (view, found) => {
      core.authorizer.require(caller, 'account', '/')
      core.keys.requireUnsealed()
      const isNew = login !== undefined && readAccountByLogin(rowViewOf(view), login) === undefined
      if (request.op === 'add' && isNew) {
        const home = `/user/${login}`
        // Deleted ones count: whoever owns the subtree can bring them back.
        const keep = (row: Row): boolean => !isExpired(decodeEntry(row), core.clock.now())
        if (found === undefined) {
          return { scan: entriesBelow(home), maxRows: 1, stopAtMax: true, keep }
        }
        const own = view.get(entryKey(home))
        requireEmptyHome(home, found.length > 0 || (own !== undefined && keep(own)))
      }
      const plan = planOf(identity, caller, request, login, prepared, view)
      return {
        ops: plan.ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        publish: () => identity.accountChanged(plan.account.id, request.op, plan.ops),
        result: () => ({ users: [infoOf(plan.account)] }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function planOf(
  { core }: Identity,
  caller: Caller,
  request: ChangeRequest,
  login: string | undefined,
  prepared: Awaited<ReturnType<typeof hashNewPassword>> | undefined,
  view: View,
): AccountPlan {
  const rows = rowViewOf(view)
  const nowMs = core.now()
  if (request.op === 'add') {
    const roles: readonly Role[] = request.roles ?? ['user']
    requireGrantable(core, caller, roles)
    const plan = planCreateAccount(
      rows,
      {
        login: login ?? request.user,
        roles,
        ...(prepared === undefined ? {} : { password: prepared }),
      },
      { nowMs, crypto: core.crypto },
    )
    return { ...plan, ops: [...plan.ops, homePolicyOp(plan.account)] }
  }
  const account = login === undefined ? undefined : readAccountByLogin(rows, login)
  if (account === undefined) throw noSuchUser()
  // Whoever sets the password of an account, or its state, can act as it or against it.
  requireGrantable(core, caller, account.roles)
  switch (request.op) {
    case 'roles':
      requireGrantable(core, caller, request.roles)
      return planSetRoles(rows, account.id, request.roles, { nowMs })
    case 'password':
      return planSetPassword(rows, account.id, prepared, { nowMs })
    case 'enable':
      return planEnableAccount(rows, account.id, { nowMs })
    case 'disable':
      return planDisableAccount(rows, account.id, { nowMs })
    case 'remove': {
      const plan = planDeleteAccount(rows, account.id)
      return {
        ...plan,
        ops: [...plan.ops, { type: 'delete', key: policyKey(homePolicyId(account.id)) }],
      }
    }
  }
}

/** Nobody makes an account that may do more than he may himself: the roles' own right is `grant` on everything. */
function requireGrantable(core: Identity['core'], caller: Caller, roles: readonly Role[]): void {
  if (roles.some((role) => role !== 'user')) core.authorizer.require(caller, 'grant', '/')
}

/** What an account of the same name left behind is nothing that a new one may inherit (DESIGN §7). */
function requireEmptyHome(home: string, hasEntries: boolean): void {
  if (!hasEntries) return
  throw new SecregError(
    'ALREADY_EXISTS',
    `there are keys at or below ${home}, which would belong to the new user: purge them first (sreg purge ${home} --recursive)`,
  )
}

/** The row of the policy that gives a new account its own subtree. */
export function homePolicyOp(account: Account): Op {
  return {
    type: 'put',
    key: policyKey(homePolicyId(account.id)),
    value: encoder.encode(JSON.stringify(homePolicy(account.id, account.login))),
  }
}

/** Run what comes before the writer's turn; a failure is recorded before it is answered. */
export function recordedFailure<T>(
  { core }: Identity,
  caller: Caller,
  facts: Facts,
  run: () => Promise<T>,
): Promise<T> {
  return run().catch((error: unknown) =>
    recorded<T>(core.journal, caller, facts, () => {
      throw error
    }),
  )
}

function noSuchUser(): SecregError {
  return new SecregError('USER_NOT_FOUND', 'no such user')
}

/**
 * Change one's own password; the old one is verified and counted like a login.
 *
 * @throws SecregError `ERR_AUTH_FAILED`, `ERR_AUTH_LOCKED_OUT`, `ERR_PASSWORD_POLICY`, `ERR_VERSION_CONFLICT`
 */
export async function password(
  identity: Identity,
  caller: Caller,
  request: RequestOf<'password'>,
): Promise<OkResponse> {
  const { core, hasher } = identity
  const action: AuditAction = 'admin'
  const facts: Facts = { action, detail: 'password' }
  const { account, replacement } = await recordedFailure(identity, caller, facts, async () => {
    core.keys.requireUnsealed()
    if (caller.login === undefined) throw new SecregError('AUTH_REQUIRED', 'log in first')
    const account = await identity.verifyPassword(caller.login, request.old_password, caller)
    if (normalizePassword(request.new_password) === normalizePassword(request.old_password)) {
      throw new SecregError('PASSWORD_POLICY', 'the new password is the old one')
    }
    const replacement = await hashNewPassword(hasher, request.new_password, {
      login: account.login,
    })
    return { account, replacement }
  })
  return core.writer.submit({
    plan: (view) => {
      core.keys.requireUnsealed()
      const plan = planSetPassword(rowViewOf(view), account.id, replacement, {
        nowMs: core.now(),
        ...(account.password === undefined ? {} : { replaces: account.password }),
      })
      return {
        ops: plan.ops,
        record: auditBody(caller, action, 'ok', facts),
        publish: () => identity.accountChanged(account.id, 'own-password', plan.ops, caller),
        result: () => ({ success: true }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}
