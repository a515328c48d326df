/** Administration of accounts (DESIGN §3): plans of `@secreg/zones`, decided, recorded and committed here. */
import type { Caller, RequestOf, UserInfo, UserResponse } from '@secreg/protocol'
import { normalizeLogin } from '@secreg/zones'
import type { Identity } from '../identity.ts'
import { LOGIN_SPACE, spaceAfter } from '../keys.ts'
import { type Facts, recorded } from '../recorded.ts'
import { changeUser } from './user-change.ts'
import { infoOfUser, noSuchUser } from './user-info.ts'

/** Accounts of one answer, where its asker says nothing else. */
const PAGE = 1000

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
    const rows = identity.rows()
    if (request.op === 'show') {
      const account = identity.findAccount(normalizeLogin(request.user) ?? '')
      if (account === undefined) throw noSuchUser()
      facts.count = 1
      return { users: [infoOfUser(rows, account)] }
    }
    const { after, limit = PAGE } = request
    const users: UserInfo[] = []
    let next: string | undefined
    for await (const { key } of core.engine.iterate(spaceAfter(LOGIN_SPACE, after))) {
      if (users.length === limit) {
        next = users.at(-1)?.user
        break
      }
      const account = identity.findAccount(key.slice(LOGIN_SPACE.gte.length))
      if (account !== undefined) users.push(infoOfUser(rows, account))
    }
    facts.count = users.length
    return { users, ...(next === undefined ? {} : { next }) }
  })
}
