/**
 * Accounts of zones.
 *
 * ```
 * g/zacct/<zone id>/<login>   {"v":1,"id":…,"zone":…,"login":…,"password":…?,"password_at":…?,"allow_passwd_auth":…,
 *                              "generation":…?,"tokens":[{"ident":…,"salt":…,"hash":…,"comment":…?,"modified_at":…}…]?,
 *                              "created_at":…,"modified_at":…}
 * ```
 * `salt` is 16 bytes and `hash` 32, both in hexadecimal; tokens are sorted by ident. See `zone-secret.ts`.
 */
import { isLine } from './name.ts'
import { isRandomId } from './random-id.ts'
import {
  decodeRow,
  encodeRow,
  isCount,
  isListOf,
  isTime,
  type Members,
  type RowSpace,
  spaceBelow,
} from './row.ts'
import type { RowView } from './row-view.ts'
import { isZonePasswordHash, type ZonePasswordHash } from './zone-password.ts'

/** A regular token as it is stored. */
export interface ZoneToken {
  /** 4 lower-case hexadecimal digits, unique in the account; public. */
  readonly ident: string
  /** 32 hexadecimal digits. */
  readonly salt: string
  /** 64 hexadecimal digits. */
  readonly hash: string
  /** One line, at most 255 characters. */
  readonly comment?: string
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number
}

/** One account of one zone. */
export interface ZoneAccount {
  /** 128 random bits, another one in each life of the login in the zone. */
  readonly id: string
  /** Id of the zone. */
  readonly zone: string
  /** Name of a system user, see `isZoneLogin`. */
  readonly login: string
  /** From `hashZonePassword`, with the time it was set, milliseconds since 1970. Absent: none. */
  readonly password?: { readonly hash: ZonePasswordHash; readonly modifiedAtMs: number }
  /** It may be managed with its own password, where the zone allows that too. */
  readonly allowPasswdAuth: boolean
  /** Temporary tokens of another generation are dead. */
  readonly generation: number
  /** Sorted by ident. */
  readonly tokens: readonly ZoneToken[]
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number
}

/** Regular tokens of one account (specs: subauth §4). */
export const ZONE_TOKENS_MAX = 100
/** Characters of a comment (specs: subauth §4). */
export const ZONE_COMMENT_MAX = 255
/** Rows of the accounts of all zones. */
export const ZONE_ACCOUNT_SPACE: RowSpace = spaceBelow('g/zacct/')

const LOGIN = /^[A-Za-z0-9_][A-Za-z0-9_.@\\$+-]{0,63}$/
const IDENT = /^[0-9a-f]{4}$/
const HASH = /^[0-9a-f]{64}$/

/**
 * Tell whether a value can be the name of a system user: 1 to 64 of `[A-Za-z0-9_.@\$+-]`, the first a letter, digit or
 * `_`. It has one spelling, the system's; names that differ in case are different users.
 */
export function isZoneLogin(value: unknown): value is string {
  return typeof value === 'string' && LOGIN.test(value)
}

/** Rows of the accounts of a zone. */
export function zoneAccountsSpace(zoneId: string): RowSpace {
  if (!isRandomId(zoneId)) throw new RangeError('zone id: expected 32 hexadecimal digits')
  return spaceBelow(`g/zacct/${zoneId}/`)
}

/** Key of the row of an account. */
export function zoneAccountKey(zoneId: string, login: string): string {
  if (!isZoneLogin(login)) throw new RangeError('login: expected a name of the system')
  return `${zoneAccountsSpace(zoneId).gte}${login}`
}

/** Tell whether a value is the ident of a regular token. */
export function isZoneTokenIdent(value: unknown): value is string {
  return typeof value === 'string' && IDENT.test(value)
}

/** Bytes of the row of an account. */
export function encodeZoneAccount(account: ZoneAccount): Uint8Array {
  return encodeRow({
    v: 1,
    id: account.id,
    zone: account.zone,
    login: account.login,
    password: account.password?.hash,
    password_at: account.password?.modifiedAtMs,
    allow_passwd_auth: account.allowPasswdAuth,
    generation: account.generation === 0 ? undefined : account.generation,
    tokens: account.tokens.length === 0 ? undefined : account.tokens.map(tokenRow),
    created_at: account.createdAtMs,
    modified_at: account.modifiedAtMs,
  })
}

function tokenRow({ ident, salt, hash, comment, modifiedAtMs }: ZoneToken): object {
  return { ident, salt, hash, comment, modified_at: modifiedAtMs }
}

/**
 * Read the row of an account.
 *
 * @param key its key, whose zone and login it must have
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function decodeZoneAccount(row: Uint8Array, key: string): ZoneAccount {
  return decodeRow(row, key, (members) => read(members, key), encodeZoneAccount)
}

function read(members: Members, key: string): ZoneAccount | undefined {
  const { id, zone, login, generation = 0, tokens = [] } = members
  const createdAtMs = members['created_at']
  const modifiedAtMs = members['modified_at']
  const allowPasswdAuth = members['allow_passwd_auth']
  if (!isRandomId(id) || !isRandomId(zone) || !isZoneLogin(login)) return undefined
  if (key !== zoneAccountKey(zone, login) || typeof allowPasswdAuth !== 'boolean') return undefined
  if (!(generation === 0 || isCount(generation))) return undefined
  if (!isTime(createdAtMs) || !isTime(modifiedAtMs)) return undefined
  const password = readPassword(members)
  const list = readTokens(tokens)
  if (password === null || list === undefined) return undefined
  return Object.freeze({
    id,
    zone,
    login,
    ...(password === undefined ? {} : { password }),
    allowPasswdAuth,
    generation,
    tokens: list,
    createdAtMs,
    modifiedAtMs,
  })
}

/** The password, undefined for none, null where the members are not what is written. */
function readPassword(members: Members): ZoneAccount['password'] | null {
  const hash = members['password']
  const modifiedAtMs = members['password_at']
  if (hash === undefined && modifiedAtMs === undefined) return undefined
  if (!isZonePasswordHash(hash) || !isTime(modifiedAtMs)) return null
  return Object.freeze({ hash, modifiedAtMs })
}

function readTokens(value: unknown): readonly ZoneToken[] | undefined {
  if (!isListOf(value, isObject) || value.length > ZONE_TOKENS_MAX) return undefined
  const tokens: ZoneToken[] = []
  for (const members of value) {
    const { ident, salt, hash, comment } = members
    const modifiedAtMs = members['modified_at']
    if (!isZoneTokenIdent(ident) || !isRandomId(salt) || !isTime(modifiedAtMs)) return undefined
    if (typeof hash !== 'string' || !HASH.test(hash)) return undefined
    if (!(comment === undefined || isLine(comment, ZONE_COMMENT_MAX))) return undefined
    // Sorted and each once: whatever is not greater than the one before is out of order.
    if (tokens.length > 0 && ident <= (tokens.at(-1)?.ident ?? '')) return undefined
    tokens.push(
      Object.freeze({
        ident,
        salt,
        hash,
        ...(comment === undefined ? {} : { comment }),
        modifiedAtMs,
      }),
    )
  }
  return Object.freeze(tokens)
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The account of a login in a zone.
 *
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function readZoneAccount(
  view: RowView,
  zone: { readonly id: string },
  login: string,
): ZoneAccount | undefined {
  if (!isZoneLogin(login)) return undefined
  const key = zoneAccountKey(zone.id, login)
  const row = view.get(key)
  return row === undefined ? undefined : decodeZoneAccount(row, key)
}
