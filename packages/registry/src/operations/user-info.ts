/** Accounts as administrators see them. */
import { SecregError, type UserInfo } from '@secreg/protocol'
import { type Account, mfaStateOf, type RowView, readTokenIdents } from '@secreg/zones'

/** An account as administrators see it. */
export function infoOfUser(rows: RowView, account: Account): UserInfo {
  return {
    user: account.login,
    account: account.id,
    roles: account.roles,
    groups: account.groups ?? [],
    disabled: account.disabled,
    system: account.system === true,
    password: account.password !== undefined,
    mfa: mfaStateOf(rows, account.id).state === 'on',
    uids: account.uids ?? [],
    tokens: readTokenIdents(rows, account.id).length,
    created_at: account.createdAtMs,
    modified_at: account.modifiedAtMs,
  }
}

export function noSuchUser(): SecregError {
  return new SecregError('USER_NOT_FOUND', 'no such user')
}
