/** Access tokens (DESIGN §3, §7): a credential that can be bounded, ends, and is revoked alone. */
import {
  type Caller,
  type RequestOf,
  SecregError,
  type TokenInfo,
  type TokenResponse,
} from '@secreg/protocol'
import {
  type AccessToken,
  type Account,
  normalizeLogin,
  planCreateAccessToken,
  planRevokeAccessToken,
  type RowView,
  readAccessToken,
  readAccessTokensOf,
  readAccount,
  readAccountByLogin,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import type { Identity } from '../identity.ts'
import { policyKey } from '../keys.ts'
import { requireMayActAs } from '../policy/authority.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { requirePasswordSession } from '../session-api.ts'
import { noSuchUser } from './user-info.ts'

type Request<Op extends string> = Extract<RequestOf<'token'>, { op: Op }>

/**
 * Run one request about access tokens: one's own, or with `user` somebody else's by the right to administer him.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`, `ERR_PASSWORD_SESSION_REQUIRED`,
 *   `ERR_USER_NOT_FOUND`, `ERR_NOT_FOUND`, `ERR_LIMIT_EXCEEDED`, `ERR_INVALID_ARGUMENT`, `ERR_SEALED`, and the
 *   failures of store and log
 */
export function token(
  identity: Identity,
  caller: Caller,
  request: RequestOf<'token'>,
): Promise<TokenResponse> {
  switch (request.op) {
    case 'list':
      return listTokens(identity, caller, request)
    case 'create':
      return createToken(identity, caller, request)
    case 'revoke':
      return revokeToken(identity, caller, request)
  }
}

function listTokens(
  identity: Identity,
  caller: Caller,
  { user }: Request<'list'>,
): Promise<TokenResponse> {
  const facts: Facts = { action: 'admin', detail: 'token-list' }
  return recorded(identity.core.journal, caller, facts, () => {
    const rows = identity.rows()
    const owner = ownerOf(identity, caller, rows, user)
    const tokens = readAccessTokensOf(rows, owner.id).map((one) => infoOf(one, owner))
    facts.count = tokens.length
    return { tokens }
  })
}

function createToken(
  identity: Identity,
  caller: Caller,
  request: Request<'create'>,
): Promise<TokenResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'token-create' }
  return core.writer.submit<TokenResponse>({
    plan: (view) => {
      core.keys.requireUnsealed()
      requirePasswordSession(caller)
      const rows = rowViewOf(view)
      const owner = ownerOf(identity, caller, rows, request.user)
      requireMayActAs(identity, caller, owner, { home: true })
      const { boundary, expires_in_s: seconds, label, uses } = request
      for (const id of boundary === 'full' ? [] : boundary) {
        if (view.get(policyKey(id)) === undefined) {
          throw new SecregError('NOT_FOUND', `no such policy: ${JSON.stringify(id)}`)
        }
      }
      const nowMs = core.now()
      const plan = planCreateAccessToken(
        rows,
        {
          account: owner.id,
          boundary,
          ...(label === undefined ? {} : { label }),
          ...(seconds === undefined ? {} : { expiresAtMs: nowMs + 1000 * seconds }),
          ...(uses === undefined ? {} : { uses }),
        },
        { nowMs, crypto: core.crypto },
      )
      const bound = boundary === 'full' ? 'full' : boundary.join()
      const detail = `token-create ${plan.token.ident} for ${owner.login}, boundary ${bound}`
      return {
        ops: plan.ops,
        record: auditBody(caller, 'admin', 'ok', { ...facts, detail }),
        // A policy that bounds it must not be deleted unseen in the same commit.
        publish: () => {},
        result: () => ({ tokens: [infoOf(plan.token, owner)], secret: plan.text }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function revokeToken(
  identity: Identity,
  caller: Caller,
  request: Request<'revoke'>,
): Promise<TokenResponse> {
  const { core, sessions } = identity
  const { token: ident } = request
  const facts: Facts = {
    action: 'admin',
    detail: `token-revoke ${/^[0-9a-f]{16}$/.test(ident) ? ident : ''}`.trim(),
  }
  return core.writer.submit<TokenResponse>({
    plan: (view) => {
      core.keys.requireUnsealed()
      const rows = rowViewOf(view)
      const isOwn = readAccessToken(rows, ident)?.account === caller.accountId
      // Who may not administer others learns nothing of their tokens.
      const mayAll = core.authorizer.allows(caller, 'account', '/')
      const own = isOwn || !mayAll ? { owner: caller.accountId ?? '' } : {}
      const plan = planRevokeAccessToken(rows, ident, own)
      return {
        ops: plan.ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        publish: () => void sessions.closeToken(ident),
        result: () => ({ tokens: [] }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

/** Whose tokens it is about. */
function ownerOf(
  { core }: Identity,
  caller: Caller,
  rows: RowView,
  user: string | undefined,
): Account {
  const login = user === undefined ? undefined : normalizeLogin(user)
  const isOwn = user === undefined || login === caller.login
  if (!isOwn) core.authorizer.require(caller, 'account', '/')
  const { accountId } = caller
  const own = accountId === undefined ? undefined : readAccount(rows, accountId)
  const other = login === undefined ? undefined : readAccountByLogin(rows, login)
  const owner = isOwn ? own : other
  if (owner === undefined) throw noSuchUser()
  return owner
}

function infoOf(token: AccessToken, owner: Account): TokenInfo {
  const { boundary, createdAtMs, expiresAtMs, ident, label, usesLeft } = token
  return {
    token: ident,
    user: owner.login,
    ...(label === undefined ? {} : { label }),
    boundary,
    created_at: createdAtMs,
    ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
    ...(usesLeft === undefined ? {} : { uses_left: usesLeft }),
  }
}
