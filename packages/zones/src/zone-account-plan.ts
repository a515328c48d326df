/**
 * Changes of accounts of zones, as rows: every effect of subauth but those of tokens (specs: subauth §3.3). Who may
 * cause them is for the door to say.
 */
import { SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { invalid } from './name.ts'
import { type RandomSource, randomId } from './random-id.ts'
import { checkTime, deleteRow, putRow } from './row.ts'
import type { RowView } from './row-view.ts'
import type { Zone } from './zone.ts'
import {
  encodeZoneAccount,
  isZoneLogin,
  readZoneAccount,
  type ZoneAccount,
  zoneAccountKey,
} from './zone-account.ts'
import { isZonePasswordHash, type ZonePasswordHash } from './zone-password.ts'
import { findZone } from './zone-plan.ts'

/** What to write, the zone, and the account as it is then (or was, when it is deleted). */
export interface ZoneAccountPlan {
  readonly ops: readonly Op[]
  readonly zone: Zone
  readonly account: ZoneAccount
}

/** When, from where the randomness comes, and by what right. */
export interface ZoneContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly crypto: RandomSource
  /**
   * The account as it was when its password allowed this (`auth-passwd`). The plan refuses when it is another one by
   * now, has another password, or may not be managed so any more; and it makes no account. Absent: allowed otherwise.
   */
  readonly provenBy?: ZoneAccount
}

/**
 * Make an account: no password, no token, not managed by its password. Whether the system has such a user is for the
 * caller to ask.
 *
 * @throws SecregError `ERR_NOT_FOUND` for the zone, `ERR_ALREADY_EXISTS`, `ERR_INVALID_ARGUMENT` for the login
 */
export function planCreateZoneAccount(
  view: RowView,
  zoneName: string,
  login: string,
  context: ZoneContext,
): ZoneAccountPlan {
  const zone = findZone(view, zoneName)
  if (readZoneAccount(view, zone, login) !== undefined) {
    throw new SecregError('ALREADY_EXISTS', 'there is such an account in the zone already')
  }
  return writeZoneAccount(zone, freshAccount(zone, login, context))
}

/**
 * Delete an account with all that was issued to it: another one of the login has another id.
 *
 * @throws SecregError `ERR_NOT_FOUND`
 */
export function planDeleteZoneAccount(
  view: RowView,
  zoneName: string,
  login: string,
): ZoneAccountPlan {
  const { zone, account } = findZoneAccount(view, zoneName, login)
  return { ops: [deleteRow(zoneAccountKey(zone.id, login))], zone, account }
}

/**
 * Delete the accounts of a login in many zones (zone `*`); in none is good too.
 *
 * @param zones every zone, as of the same moment as `view`
 */
export function planDeleteZoneAccounts(
  view: RowView,
  zones: Iterable<Zone>,
  login: string,
): { readonly ops: readonly Op[]; readonly accounts: readonly ZoneAccount[] } {
  const accounts = [...zones].flatMap((zone) => readZoneAccount(view, zone, login) ?? [])
  return { ops: accounts.map(({ zone }) => deleteRow(zoneAccountKey(zone, login))), accounts }
}

/**
 * Set the password, instead of the one it has. Makes the account where the zone says so.
 *
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_ZONE_REFUSED` where the zone allows no passwords, `ERR_AUTH_FAILED` by
 *   `provenBy`
 */
export function planSetZonePassword(
  view: RowView,
  zoneName: string,
  login: string,
  password: ZonePasswordHash,
  context: ZoneContext,
): ZoneAccountPlan {
  if (!isZonePasswordHash(password)) {
    throw new TypeError('password: expected a hash of hashZonePassword')
  }
  const zone = findZone(view, zoneName)
  if (!zone.allowPasswd) throw zoneRefused('the zone allows no passwords')
  const account = openZoneAccount(view, zone, login, context)
  const modifiedAtMs = checkTime(context.nowMs)
  return writeZoneAccount(zone, {
    ...account,
    password: Object.freeze({ hash: password, modifiedAtMs }),
    modifiedAtMs,
  })
}

/**
 * Delete the password.
 *
 * @throws SecregError `ERR_NOT_FOUND` for the zone, the account or a password, `ERR_AUTH_FAILED` by `provenBy`
 */
export function planDeleteZonePassword(
  view: RowView,
  zoneName: string,
  login: string,
  context: Omit<ZoneContext, 'crypto'>,
): ZoneAccountPlan {
  const { zone, account } = findZoneAccount(view, zoneName, login, context)
  const { password, ...rest } = account
  if (password === undefined) throw new SecregError('NOT_FOUND', 'the account has no password')
  return writeZoneAccount(zone, { ...rest, modifiedAtMs: checkTime(context.nowMs) })
}

/**
 * Say whether the account may be managed with its own password. The zone must allow it too: where it does not, it cannot be
 * turned on, and what was turned on before rests until the zone allows it again.
 *
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_ZONE_REFUSED`, `ERR_AUTH_FAILED` by `provenBy`
 */
export function planAllowPasswdAuth(
  view: RowView,
  zoneName: string,
  login: string,
  allow: boolean,
  context: Omit<ZoneContext, 'crypto'>,
): ZoneAccountPlan {
  if (typeof allow !== 'boolean') throw new TypeError('allow: expected a boolean')
  const { zone, account } = findZoneAccount(view, zoneName, login, context)
  if (allow && !zone.allowPasswdAuth) {
    throw zoneRefused('the zone allows no management by password')
  }
  if (account.allowPasswdAuth === allow) return { ops: [], zone, account }
  return writeZoneAccount(zone, {
    ...account,
    allowPasswdAuth: allow,
    modifiedAtMs: checkTime(context.nowMs),
  })
}

/**
 * An account that is there.
 *
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_AUTH_FAILED` by `provenBy`
 */
export function findZoneAccount(
  view: RowView,
  zoneName: string,
  login: string,
  context: Pick<ZoneContext, 'provenBy'> = {},
): { readonly zone: Zone; readonly account: ZoneAccount } {
  const zone = findZone(view, zoneName)
  const account = readZoneAccount(view, zone, login)
  checkProof(zone, account, context)
  if (account === undefined) throw noSuchZoneAccount()
  return { zone, account }
}

/** An account that is there, or a fresh one where the zone makes them by themselves. */
export function openZoneAccount(
  view: RowView,
  zone: Zone,
  login: string,
  context: ZoneContext,
): ZoneAccount {
  const account = readZoneAccount(view, zone, login)
  checkProof(zone, account, context)
  if (account !== undefined) return account
  if (!zone.autoCreate) throw noSuchZoneAccount()
  return freshAccount(zone, login, context)
}

export function writeZoneAccount(zone: Zone, after: ZoneAccount): ZoneAccountPlan {
  const account = Object.freeze(after)
  return {
    ops: [putRow(zoneAccountKey(zone.id, account.login), encodeZoneAccount(account))],
    zone,
    account,
  }
}

/** What the zone's switches forbid. */
export function zoneRefused(message: string): SecregError {
  return new SecregError('ZONE_REFUSED', message)
}

function freshAccount(zone: Zone, login: string, context: ZoneContext): ZoneAccount {
  if (!isZoneLogin(login)) throw invalid('login: expected the name of a user of the system')
  const nowMs = checkTime(context.nowMs)
  return {
    id: randomId(context.crypto),
    zone: zone.id,
    login,
    allowPasswdAuth: false,
    generation: 0,
    tokens: [],
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
  }
}

/** A password that was verified before allows nothing to whoever has the login now. */
function checkProof(
  zone: Zone,
  account: ZoneAccount | undefined,
  { provenBy }: Pick<ZoneContext, 'provenBy'>,
): void {
  if (provenBy === undefined) return
  const holds =
    account?.id === provenBy.id &&
    account.password !== undefined &&
    account.password.hash === provenBy.password?.hash &&
    account.allowPasswdAuth &&
    zone.allowPasswdAuth &&
    zone.allowPasswd
  if (!holds) throw new SecregError('AUTH_FAILED', 'the login or password is wrong')
}

function noSuchZoneAccount(): SecregError {
  return new SecregError('NOT_FOUND', 'no such account in the zone')
}
