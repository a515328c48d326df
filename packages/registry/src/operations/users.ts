/** Administration of accounts (DESIGN §3): plans of `@secreg/zones`, decided, recorded and committed here. */
import type { Caller, RequestOf, UserInfo, UserResponse } from '@secreg/protocol'
import { decodeAccount, normalizeLogin } from '@secreg/zones'
import type { Identity } from '../identity.ts'
import { ACCOUNT_SPACE } from '../keys.ts'
import { type Facts, recorded } from '../recorded.ts'
import { changeUser } from './user-change.ts'
import { infoOfUser, noSuchUser } from './user-info.ts'

/**
 * Run one request of account administration.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`, `ERR_USER_NOT_FOUND`, `ERR_USER_EXISTS`,
 *   `ERR_NOT_FOUND` for a group or role, `ERR_PASSWORD_POLICY`, `ERR_LAST_ADMINISTRATOR`, `ERR_SEALED`, and the
 *   failures of store and log
 */
export function user(
  identity: Identity,
  caller: Caller,
  request: RequestOf<'user'>,
): Promise<UserResponse> {
  if (request.op === 'list' || request.op === 'show') return listUsers(identity, caller, request)
  return changeUser(identity, caller, request)
}

function listUsers(
  identity: Identity,
  caller: Caller,
  request: Extract<RequestOf<'user'>, { op: 'list' | 'show' }>,
): Promise<UserResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: `user-${request.op}` }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    const wanted = request.op === 'show' ? normalizeLogin(request.user) : undefined
    const rows = identity.rows()
    const users: UserInfo[] = []
    for await (const row of core.engine.iterate(ACCOUNT_SPACE)) {
      const account = decodeAccount(row.value, row.key.slice(2))
      if (request.op === 'list' || account.login === wanted) users.push(infoOfUser(rows, account))
    }
    if (request.op === 'show' && users.length === 0) throw noSuchUser()
    users.sort((a, b) => (a.user < b.user ? -1 : 1))
    facts.count = users.length
    return { users }
  })
}
