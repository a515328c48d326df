/**
 * Changes of accounts, as rows. Pure and synchronous: each plan reads the state it is given, checks, and says what
 * to write; the registry commits (DESIGN §2). A plan without `ops` found everything as wanted.
 *
 * Whoever commits a plan calls `SessionTable.invalidateAccount`, or `closeAccount` where access was taken away.
 */
import type { CryptoBackend } from '@secreg/crypto'
import { type Role, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import {
  type Account,
  ADMINS_KEY,
  accountKey,
  corruptIndex,
  encodeAccount,
  encodeAccountId,
  encodeAdmins,
  loginKey,
  sortRoles,
  sortUids,
  uidKey,
} from './account.ts'
import { isEffectiveAdmin, readAccount, readAccountByLogin, readAdmins } from './account-view.ts'
import { type HashedPassword, isHashedPassword } from './hashed-password.ts'
import { toHex } from './hex.ts'
import { isLogin } from './login.ts'
import type { RowView } from './row-view.ts'

/** What to write, and the account as it is then (or was, when it is deleted). */
export interface AccountPlan {
  readonly ops: readonly Op[]
  readonly account: Account
}

/** A new account. */
export interface NewAccount {
  /** Login as stored: lower case, see `isLogin`. */
  readonly login: string
  readonly roles?: readonly Role[]
  /** From `hashNewPassword`. */
  readonly password?: HashedPassword
  /** Uids whose kernel-proven peers are this account. */
  readonly uids?: readonly number[]
}

/** When, and from where the randomness comes. */
export interface CreateContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Random source. */
  readonly crypto: Pick<CryptoBackend, 'randomBytes'>
}

/**
 * Make an account.
 *
 * @throws SecregError `ERR_USER_EXISTS` for a taken login, `ERR_ALREADY_EXISTS` for a uid of another account,
 *   `ERR_INVALID_ARGUMENT` for a name that is none
 */
export function planCreateAccount(
  view: RowView,
  wanted: NewAccount,
  context: CreateContext,
): AccountPlan {
  const { login } = wanted
  if (!isLogin(login)) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'user name: expected 1 to 64 of a-z, 0-9, _, . and -, not starting with . or -',
    )
  }
  if (readAccountByLogin(view, login) !== undefined) {
    throw new SecregError('USER_EXISTS', `user ${login} exists already`)
  }
  const uids = sortUids(wanted.uids ?? [])
  const id = newId(context.crypto)
  if (readAccount(view, id) !== undefined) {
    throw new SecregError('INTERNAL', 'the random source repeated an account id')
  }
  const account: Account = Object.freeze({
    id,
    login,
    roles: sortRoles(wanted.roles ?? []),
    ...(wanted.password === undefined ? {} : { password: checkHash(wanted.password) }),
    ...(uids.length === 0 ? {} : { uids }),
    createdAtMs: checkTime(context.nowMs),
    modifiedAtMs: context.nowMs,
    disabled: false,
  })
  return {
    account,
    ops: [
      putRow(accountKey(id), encodeAccount(account)),
      putRow(loginKey(login), encodeAccountId(id)),
      ...uids.map((uid) => mapUid(view, uid, id)),
      ...planAdmins(view, undefined, account),
    ],
  }
}

/**
 * Set or, with undefined, remove a password.
 *
 * @param options `replaces`: the hash that was verified before this change. Another change in the meantime is a
 *   conflict, so that a new hash of an old password never undoes a change of password.
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_VERSION_CONFLICT`, `ERR_LAST_ADMINISTRATOR`
 */
export function planSetPassword(
  view: RowView,
  id: string,
  password: HashedPassword | undefined,
  options: { readonly nowMs: number; readonly replaces?: HashedPassword },
): AccountPlan {
  const before = find(view, id)
  if (options.replaces !== undefined && options.replaces !== before.password) {
    throw new SecregError('VERSION_CONFLICT', 'the password was changed in the meantime')
  }
  if (password === undefined && before.password === undefined) return { ops: [], account: before }
  const { password: _, ...rest } = before
  const changed = password === undefined ? rest : { ...rest, password: checkHash(password) }
  return replace(view, before, { ...changed, modifiedAtMs: checkTime(options.nowMs) })
}

/**
 * Set the roles.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_LAST_ADMINISTRATOR`
 */
export function planSetRoles(
  view: RowView,
  id: string,
  roles: readonly Role[],
  options: { readonly nowMs: number },
): AccountPlan {
  const before = find(view, id)
  const sorted = sortRoles(roles)
  if (sorted.join() === before.roles.join()) return { ops: [], account: before }
  return replace(view, before, {
    ...before,
    roles: sorted,
    modifiedAtMs: checkTime(options.nowMs),
  })
}

/**
 * Set the uids whose kernel-proven peers are this account.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`; `ERR_ALREADY_EXISTS` for a uid of another account
 */
export function planSetUids(
  view: RowView,
  id: string,
  uids: readonly number[],
  options: { readonly nowMs: number },
): AccountPlan {
  const before = find(view, id)
  const had = before.uids ?? []
  const sorted = sortUids(uids)
  if (sorted.join() === had.join()) return { ops: [], account: before }
  const { uids: _, ...rest } = before
  const changed = sorted.length === 0 ? rest : { ...rest, uids: sorted }
  const plan = replace(view, before, { ...changed, modifiedAtMs: checkTime(options.nowMs) })
  return {
    account: plan.account,
    ops: [
      ...plan.ops,
      ...had.filter((uid) => !sorted.includes(uid)).map((uid) => deleteRow(uidKey(uid))),
      ...sorted.filter((uid) => !had.includes(uid)).map((uid) => mapUid(view, uid, id)),
    ],
  }
}

/**
 * Disable an account: no password, uid or session opens it.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_LAST_ADMINISTRATOR`
 */
export function planDisableAccount(
  view: RowView,
  id: string,
  options: { readonly nowMs: number },
): AccountPlan {
  return setDisabled(view, id, true, options.nowMs)
}

/**
 * Enable an account again.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`
 */
export function planEnableAccount(
  view: RowView,
  id: string,
  options: { readonly nowMs: number },
): AccountPlan {
  return setDisabled(view, id, false, options.nowMs)
}

/**
 * Delete an account. Its login is free again, its id is never used again: what policy bound to it stays without it.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_LAST_ADMINISTRATOR`
 */
export function planDeleteAccount(view: RowView, id: string): AccountPlan {
  const before = find(view, id)
  return {
    account: before,
    ops: [
      deleteRow(accountKey(id)),
      deleteRow(loginKey(before.login)),
      ...(before.uids ?? []).map((uid) => deleteRow(uidKey(uid))),
      ...planAdmins(view, before, undefined),
    ],
  }
}

function setDisabled(view: RowView, id: string, disabled: boolean, nowMs: number): AccountPlan {
  const before = find(view, id)
  if (before.disabled === disabled) return { ops: [], account: before }
  return replace(view, before, { ...before, disabled, modifiedAtMs: checkTime(nowMs) })
}

function find(view: RowView, id: string): Account {
  const account = readAccount(view, id)
  if (account === undefined) throw new SecregError('USER_NOT_FOUND', 'no such user')
  return account
}

function replace(view: RowView, before: Account, after: Account): AccountPlan {
  const account = Object.freeze(after)
  return {
    account,
    ops: [
      putRow(accountKey(account.id), encodeAccount(account)),
      ...planAdmins(view, before, account),
    ],
  }
}

/** Keep the list of administrators, and never let its last one go. */
function planAdmins(view: RowView, before: Account | undefined, after: Account | undefined): Op[] {
  const was = before !== undefined && isEffectiveAdmin(before)
  const is = after !== undefined && isEffectiveAdmin(after)
  const admins = readAdmins(view)
  if (before !== undefined && admins.includes(before.id) !== was) throw corruptIndex(ADMINS_KEY)
  if (was === is) return []
  if (is) return [putRow(ADMINS_KEY, encodeAdmins([...admins, after.id]))]
  const left = admins.filter((id) => id !== before?.id)
  // The list alone is not believed here: a wrong one would lock everybody out for good.
  const someone = left.some((id) => {
    const other = readAccount(view, id)
    return other !== undefined && isEffectiveAdmin(other)
  })
  if (!someone) {
    throw new SecregError(
      'LAST_ADMINISTRATOR',
      'this is the last administrator who can log in; make another one first',
    )
  }
  return [putRow(ADMINS_KEY, encodeAdmins(left))]
}

function mapUid(view: RowView, uid: number, id: string): Op {
  if (view.get(uidKey(uid)) !== undefined) {
    throw new SecregError('ALREADY_EXISTS', `uid ${uid} is mapped to another user`)
  }
  return putRow(uidKey(uid), encodeAccountId(id))
}

function newId(crypto: Pick<CryptoBackend, 'randomBytes'>): string {
  const bytes = crypto.randomBytes(16)
  if (bytes.length !== 16) throw new RangeError('randomBytes: expected 16 bytes')
  return toHex(bytes)
}

function checkHash(password: HashedPassword): HashedPassword {
  if (!isHashedPassword(password))
    throw new TypeError('password: expected a hash of hashNewPassword')
  return password
}

function checkTime(nowMs: number): number {
  if (!Number.isSafeInteger(nowMs) || nowMs < 0)
    throw new RangeError('nowMs: expected milliseconds')
  return nowMs
}

function putRow(key: string, value: Uint8Array): Op {
  return { type: 'put', key, value }
}

function deleteRow(key: string): Op {
  return { type: 'delete', key }
}
