/** Reading accounts from rows, with every index row held against its account. */
import {
  type Account,
  ADMINS_KEY,
  accountKey,
  corruptIndex,
  decodeAccount,
  decodeAccountId,
  decodeAdmins,
  isAccountId,
  loginKey,
  uidKey,
} from './account.ts'
import { isLogin } from './login.ts'
import type { RowView } from './row-view.ts'
import { isMappableUid } from './uid.ts'

/**
 * The account of an id.
 *
 * @throws ZonesError `ERR_ZONES_ACCOUNT_CORRUPT`
 */
export function readAccount(view: RowView, id: string): Account | undefined {
  if (!isAccountId(id)) return undefined
  const row = view.get(accountKey(id))
  return row === undefined ? undefined : decodeAccount(row, id)
}

/**
 * The account of a login as stored (see `normalizeLogin`).
 *
 * @throws ZonesError `ERR_ZONES_ACCOUNT_CORRUPT`, `ERR_ZONES_INDEX_CORRUPT`
 */
export function readAccountByLogin(view: RowView, login: string): Account | undefined {
  if (!isLogin(login)) return undefined
  return follow(view, loginKey(login), (account) => account.login === login)
}

/**
 * The account that a kernel-proven peer is. An unmapped uid, 0 like any other, is nobody; so is a disabled account.
 *
 * @throws ZonesError `ERR_ZONES_ACCOUNT_CORRUPT`, `ERR_ZONES_INDEX_CORRUPT`
 */
export function readAccountByUid(view: RowView, uid: number): Account | undefined {
  const account = readMappedAccount(view, uid)
  return account?.disabled === false ? account : undefined
}

/**
 * The account that a uid is mapped to, also while it is disabled: for those who must tell that from a uid that is not
 * mapped.
 *
 * @throws ZonesError `ERR_ZONES_ACCOUNT_CORRUPT`, `ERR_ZONES_INDEX_CORRUPT`
 */
export function readMappedAccount(view: RowView, uid: number): Account | undefined {
  if (!isMappableUid(uid)) return undefined
  return follow(view, uidKey(uid), ({ uids }) => uids?.includes(uid) === true)
}

/** Whether an account is an administrator who can log in with a password. */
export function isEffectiveAdmin(account: Account): boolean {
  return account.roles.includes('admin') && !account.disabled && account.password !== undefined
}

/**
 * Ids of the administrators who can log in with a password.
 *
 * @throws ZonesError `ERR_ZONES_INDEX_CORRUPT`
 */
export function readAdmins(view: RowView): readonly string[] {
  return decodeAdmins(view.get(ADMINS_KEY))
}

function follow(
  view: RowView,
  key: string,
  agrees: (account: Account) => boolean,
): Account | undefined {
  const row = view.get(key)
  if (row === undefined) return undefined
  const account = readAccount(view, decodeAccountId(row, key))
  if (account === undefined || !agrees(account)) throw corruptIndex(key)
  return account
}
