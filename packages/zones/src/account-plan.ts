/**
 * Changes of accounts, as rows. Pure and synchronous: each plan reads the state it is given, checks, and says what
 * to write; the registry commits (DESIGN §2). A plan without `ops` found everything as wanted.
 *
 * Whoever commits a plan calls `SessionTable.invalidateAccount`, or `closeAccount` where access was taken away.
 */
import { type Role, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { tokenRowsOf } from './access-token.ts'
import {
  type Account,
  accountKey,
  encodeAccount,
  encodeAccountId,
  loginKey,
  sortUids,
  uidKey,
} from './account.ts'
import { type AccountPlan, findAccount, planAdmins, replaceAccount } from './account-change.ts'
import { requireNamed } from './account-names-plan.ts'
import { readAccount, readAccountByLogin } from './account-view.ts'
import { type HashedPassword, isHashedPassword } from './hashed-password.ts'
import { isLogin } from './login.ts'
import { mfaKey } from './mfa-row.ts'
import { invalid, sortNames, sortRoles } from './name.ts'
import { type RandomSource, randomId, repeatedRandom } from './random-id.ts'
import { checkTime, deleteRow, putRow } from './row.ts'
import type { RowView } from './row-view.ts'

/** A new account. */
export interface NewAccount {
  /** Login as stored: lower case, see `isLogin`. */
  readonly login: string
  /** Each built in or with a row. */
  readonly roles?: readonly Role[]
  /** Each with a row. */
  readonly groups?: readonly string[]
  /** From `hashNewPassword`. */
  readonly password?: HashedPassword
  /** Its password is the one of the system user of this name; then it has none here. */
  readonly system?: boolean
  /** Uids whose kernel-proven peers are this account. */
  readonly uids?: readonly number[]
}

/** When, and from where the randomness comes. */
export interface CreateContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Random source. */
  readonly crypto: RandomSource
}

/**
 * Make an account.
 *
 * @throws SecregError `ERR_USER_EXISTS` for a taken login, `ERR_ALREADY_EXISTS` for a uid of another account,
 *   `ERR_NOT_FOUND` for a group or role that does not exist, `ERR_INVALID_ARGUMENT` for a name that is none
 */
export function planCreateAccount(
  view: RowView,
  wanted: NewAccount,
  context: CreateContext,
): AccountPlan {
  const { login, system = false } = wanted
  checkNewLogin(view, login)
  const uids = sortUids(wanted.uids ?? [])
  const roles = sortRoles(wanted.roles ?? [])
  const groups = sortNames(wanted.groups ?? [], 'groups')
  requireNamed(view, 'role', roles)
  requireNamed(view, 'group', groups)
  if (system && wanted.password !== undefined) throw hasNoPassword()
  const id = randomId(context.crypto)
  if (readAccount(view, id) !== undefined) throw repeatedRandom('an account id')
  const account: Account = Object.freeze({
    id,
    login,
    roles,
    ...(wanted.password === undefined ? {} : { password: checkHash(wanted.password) }),
    ...(uids.length === 0 ? {} : { uids }),
    createdAtMs: checkTime(context.nowMs),
    modifiedAtMs: context.nowMs,
    disabled: false,
    ...(groups.length === 0 ? {} : { groups }),
    ...(system ? { system } : {}),
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
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_VERSION_CONFLICT`, `ERR_LAST_ADMINISTRATOR`;
 *   `ERR_INVALID_ARGUMENT` for a system user
 */
export function planSetPassword(
  view: RowView,
  id: string,
  password: HashedPassword | undefined,
  options: { readonly nowMs: number; readonly replaces?: HashedPassword },
): AccountPlan {
  const before = findAccount(view, id)
  if (options.replaces !== undefined && options.replaces !== before.password) {
    throw new SecregError('VERSION_CONFLICT', 'the password was changed in the meantime')
  }
  if (password === undefined && before.password === undefined) return { ops: [], account: before }
  if (before.system) throw hasNoPassword()
  const { password: _, ...rest } = before
  const changed = password === undefined ? rest : { ...rest, password: checkHash(password) }
  return replaceAccount(view, before, { ...changed, modifiedAtMs: checkTime(options.nowMs) })
}

/**
 * Say whether its password is the one of the system user of this name. A system user has no password here, so
 * beginning it takes the password away, and ending it leaves none.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_LAST_ADMINISTRATOR`: the system may be unable to verify anybody
 */
export function planSetSystem(
  view: RowView,
  id: string,
  system: boolean,
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  if ((before.system ?? false) === system) return { ops: [], account: before }
  const { password: _, system: __, ...rest } = before
  return replaceAccount(view, before, {
    ...rest,
    modifiedAtMs: checkTime(options.nowMs),
    ...(system ? { system } : {}),
  })
}

/**
 * Change the login. The id stays, and with it all that is bound to the account; the old login is free.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_USER_EXISTS`; `ERR_INVALID_ARGUMENT` for a name that is none, and
 *   for a system user: under another name another person's password would open the account
 */
export function planRenameAccount(
  view: RowView,
  id: string,
  login: string,
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  if (login === before.login) return { ops: [], account: before }
  if (before.system) throw invalid('a system user has the name that the system gives it')
  checkNewLogin(view, login)
  const plan = replaceAccount(view, before, {
    ...before,
    login,
    modifiedAtMs: checkTime(options.nowMs),
  })
  return {
    account: plan.account,
    ops: [
      ...plan.ops,
      deleteRow(loginKey(before.login)),
      putRow(loginKey(login), encodeAccountId(id)),
    ],
  }
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
  const before = findAccount(view, id)
  const had = before.uids ?? []
  const sorted = sortUids(uids)
  if (sorted.join() === had.join()) return { ops: [], account: before }
  const { uids: _, ...rest } = before
  const changed = sorted.length === 0 ? rest : { ...rest, uids: sorted }
  const plan = replaceAccount(view, before, { ...changed, modifiedAtMs: checkTime(options.nowMs) })
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
 * Disable an account: no password, uid, token or session opens it.
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
 * Revoke everything that was issued to an account. Its tokens go; by its new generation they also stay dead if their
 * rows come back. Sessions are in memory: `SessionTable.closeAccount`.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`
 */
export function planBumpGeneration(
  view: RowView,
  id: string,
  options: { readonly nowMs: number },
): AccountPlan {
  const before = findAccount(view, id)
  const plan = replaceAccount(view, before, {
    ...before,
    modifiedAtMs: checkTime(options.nowMs),
    generation: (before.generation ?? 0) + 1,
  })
  return {
    account: plan.account,
    ops: [...plan.ops, ...tokenRowsOf(view, id).map((key) => deleteRow(key))],
  }
}

/**
 * Delete an account, with its tokens and its second factor; what groups it was in goes with its row. Its login is
 * free again, its id is never used again: what policy bound to it stays without it.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_LAST_ADMINISTRATOR`
 */
export function planDeleteAccount(view: RowView, id: string): AccountPlan {
  const before = findAccount(view, id)
  const others = [...tokenRowsOf(view, id), mfaKey(id)].filter((key) => view.get(key) !== undefined)
  return {
    account: before,
    ops: [
      deleteRow(accountKey(id)),
      deleteRow(loginKey(before.login)),
      ...(before.uids ?? []).map((uid) => deleteRow(uidKey(uid))),
      ...others.map((key) => deleteRow(key)),
      ...planAdmins(view, before, undefined),
    ],
  }
}

function setDisabled(view: RowView, id: string, disabled: boolean, nowMs: number): AccountPlan {
  const before = findAccount(view, id)
  if (before.disabled === disabled) return { ops: [], account: before }
  return replaceAccount(view, before, { ...before, disabled, modifiedAtMs: checkTime(nowMs) })
}

function checkNewLogin(view: RowView, login: string): void {
  if (!isLogin(login)) {
    throw invalid('user name: expected 1 to 64 of a-z, 0-9, _, . and -, not starting with . or -')
  }
  if (readAccountByLogin(view, login) !== undefined) {
    throw new SecregError('USER_EXISTS', `user ${login} exists already`)
  }
}

function mapUid(view: RowView, uid: number, id: string): Op {
  if (view.get(uidKey(uid)) !== undefined) {
    throw new SecregError('ALREADY_EXISTS', `uid ${uid} is mapped to another user`)
  }
  return putRow(uidKey(uid), encodeAccountId(id))
}

function checkHash(password: HashedPassword): HashedPassword {
  if (!isHashedPassword(password))
    throw new TypeError('password: expected a hash of hashNewPassword')
  return password
}

function hasNoPassword(): SecregError {
  return invalid('a system user has the password that the system gives it, and none here')
}
