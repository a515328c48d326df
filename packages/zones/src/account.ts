/**
 * Account rows.
 *
 * ```
 * a/<id>      {"v":1,"id":…,"login":…,"roles":[…],"password":…?,"uids":[…]?,"created_at":…,"modified_at":…,"disabled":…,
 *              "groups":[…]?,"generation":…?,"system":true?}
 * n/<login>   id, 32 hexadecimal digits
 * u/<uid>     id, 32 hexadecimal digits
 * g/admins    JSON list of ids, sorted
 * ```
 * UTF-8, one spelling each: a row that would not be written so, byte for byte, is corrupt. Integrity against
 * somebody who edits the disk is the MAC that the registry puts over key and row (DESIGN §6).
 */
import { LIMITS, type Role } from '@secreg/protocol'
import { ZonesError } from './errors.ts'
import { type HashedPassword, isHashedPassword } from './hashed-password.ts'
import { isLogin } from './login.ts'
import { invalid, isName, sortNames, sortRoles } from './name.ts'
import { isRandomId } from './random-id.ts'
import {
  decodeText,
  encodeRow,
  equalBytes,
  isCount,
  isListOf,
  isTime,
  parseRow,
  type RowSpace,
  spaceBelow,
} from './row.ts'
import { isMappableUid } from './uid.ts'

/** One account. Immutable; the plans make a new one. */
export interface Account {
  /** 128 random bits, 32 lower-case hexadecimal digits. Never used again, unlike the login. */
  readonly id: string
  /** Login name, see `isLogin`. */
  readonly login: string
  /** Built-in ones in the order of `ROLES`, then the others sorted. Empty for an account that policy knows by its id. */
  readonly roles: readonly Role[]
  /** PHC string. Absent: nobody can log in with a password of ours. */
  readonly password?: HashedPassword
  /** Uids whose kernel-proven peers are this account, ascending. Absent when there are none. */
  readonly uids?: readonly number[]
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number
  readonly disabled: boolean
  /** Names of groups, sorted. Absent when there are none. */
  readonly groups?: readonly string[]
  /** Grows when everything issued is revoked: tokens of another generation are dead. Absent is 0. */
  readonly generation?: number
  /** Its password is the one of the system user of this name; then it has none here. Absent when not. */
  readonly system?: true
}

/** Every row of an account. */
export const ACCOUNTS_SPACE: RowSpace = spaceBelow('a/')

const MAX_UIDS = 256

/** Key of the list of administrators that can log in with a password. */
export const ADMINS_KEY = 'g/admins'

/** Key of the row of an account. */
export function accountKey(id: string): string {
  if (!isAccountId(id)) throw new RangeError('account id: expected 32 hexadecimal digits')
  return `a/${id}`
}

/** Key of the row that leads from a login to an account id. */
export function loginKey(login: string): string {
  if (!isLogin(login)) throw new RangeError('login: expected a name as stored')
  return `n/${login}`
}

/** Key of the row that leads from a uid to an account id. */
export function uidKey(uid: number): string {
  if (!isMappableUid(uid)) throw new RangeError('uid: expected an id that may be mapped')
  return `u/${uid}`
}

/** Tell whether a text is an account id. */
export function isAccountId(text: string): boolean {
  return isRandomId(text)
}

/**
 * Uids ascending, each once.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`
 */
export function sortUids(uids: readonly number[]): readonly number[] {
  if (uids.length > MAX_UIDS) throw invalid(`uids: expected at most ${MAX_UIDS}`)
  if (!uids.every(isMappableUid)) throw invalid('uids: expected ids that may be mapped')
  return Object.freeze([...new Set(uids)].sort((a, b) => a - b))
}

/** Bytes of the row of an account. */
export function encodeAccount(account: Account): Uint8Array {
  return encodeRow({
    v: 1,
    id: account.id,
    login: account.login,
    roles: account.roles,
    password: account.password,
    uids: account.uids,
    created_at: account.createdAtMs,
    modified_at: account.modifiedAtMs,
    disabled: account.disabled,
    groups: account.groups,
    generation: account.generation,
    system: account.system,
  })
}

/**
 * Read the row of an account.
 *
 * @param row bytes as stored
 * @param id the id in the row's key; a row put under another key is corrupt
 * @throws ZonesError `ERR_ZONES_ACCOUNT_CORRUPT`
 */
export function decodeAccount(row: Uint8Array, id: string): Account {
  const value = parseRow(row)
  if (value === undefined || value['v'] !== 1) throw corrupt(id)
  const { login, roles, password, uids, disabled, groups, generation, system } = value
  const createdAtMs = value['created_at']
  const modifiedAtMs = value['modified_at']
  if (
    value['id'] !== id ||
    !isAccountId(id) ||
    typeof login !== 'string' ||
    !isLogin(login) ||
    !isNames(roles) ||
    !(password === undefined || (typeof password === 'string' && isHashedPassword(password))) ||
    !(uids === undefined || (isListOf(uids, isMappableUid) && uids.length <= MAX_UIDS)) ||
    !isTime(createdAtMs) ||
    !isTime(modifiedAtMs) ||
    typeof disabled !== 'boolean' ||
    !(groups === undefined || isNames(groups)) ||
    !(generation === undefined || isCount(generation)) ||
    !(system === undefined || (system === true && password === undefined))
  ) {
    throw corrupt(id)
  }
  const account: Account = Object.freeze({
    id,
    login,
    roles: sortRoles(roles),
    ...(password === undefined ? {} : { password }),
    ...(uids === undefined || uids.length === 0 ? {} : { uids: sortUids(uids) }),
    createdAtMs,
    modifiedAtMs,
    disabled,
    ...(groups === undefined || groups.length === 0 ? {} : { groups: sortNames(groups, 'groups') }),
    ...(generation === undefined ? {} : { generation }),
    ...(system === undefined ? {} : { system }),
  })
  // Order, doubled and unknown members, escapes and spaces: whatever we would not write is not ours.
  if (!equalBytes(encodeAccount(account), row)) throw corrupt(id)
  return account
}

/** Bytes of a row that leads to an account. */
export function encodeAccountId(id: string): Uint8Array {
  if (!isAccountId(id)) throw new RangeError('account id: expected 32 hexadecimal digits')
  return new TextEncoder().encode(id)
}

/**
 * Read a row that leads to an account.
 *
 * @throws ZonesError `ERR_ZONES_INDEX_CORRUPT`
 */
export function decodeAccountId(row: Uint8Array, key: string): string {
  const id = decodeText(row)
  if (id === undefined || !isAccountId(id)) throw corruptIndex(key)
  return id
}

/** Bytes of the row `g/admins`. */
export function encodeAdmins(ids: readonly string[]): Uint8Array {
  return encodeRow([...ids].sort())
}

/**
 * Read the row `g/admins`; absent is empty.
 *
 * @throws ZonesError `ERR_ZONES_INDEX_CORRUPT`
 */
export function decodeAdmins(row: Uint8Array | undefined): readonly string[] {
  if (row === undefined) return []
  const value: unknown = parseRow(row)
  if (!isListOf(value, isRandomId)) {
    throw corruptIndex(ADMINS_KEY)
  }
  if (new Set(value).size !== value.length || !equalBytes(encodeAdmins(value), row)) {
    throw corruptIndex(ADMINS_KEY)
  }
  return value
}

/** An index row that disagrees with its account. */
export function corruptIndex(key: string): ZonesError {
  return new ZonesError('ERR_ZONES_INDEX_CORRUPT', `row ${key} is not a valid index of accounts`)
}

function corrupt(id: string): ZonesError {
  const name = isAccountId(id) ? id : '?'
  return new ZonesError('ERR_ZONES_ACCOUNT_CORRUPT', `row a/${name} is not a valid account`)
}

function isNames(value: unknown): value is string[] {
  return isListOf(value, isName) && value.length <= LIMITS.namesPerAccount
}
