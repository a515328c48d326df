/** What a session rests on that a token of an account of a zone has opened, and whether that still stands. */

import { isRandomId } from './random-id.ts'
import type { RowView } from './row-view.ts'
import { readZone } from './zone.ts'
import { isZoneLogin, isZoneTokenIdent, readZoneAccount } from './zone-account.ts'
import type { CheckedZoneToken } from './zone-check.ts'

/** The account and the token of such a session. */
export interface ZoneSession {
  /** Id of the zone. */
  readonly zoneId: string
  /** Its name. */
  readonly zone: string
  readonly login: string
  /** Ident of a regular token; absent for a temporary one. */
  readonly ident?: string
  /** Of the regular token its salt, which no other one has; else the generation of the account. */
  readonly mark: string
}

/** What a session rests on that a token opens. */
export function zoneSessionOf({ account, token, zone }: CheckedZoneToken): ZoneSession {
  return Object.freeze({
    zoneId: zone.id,
    zone: zone.name,
    login: account.login,
    ...(token === undefined ? {} : { ident: token.ident }),
    mark: token === undefined ? String(account.generation) : token.salt,
  })
}

/**
 * Tell whether zone, account and token are still there, and the zone still allows such a token at HTTP. When a temporary
 * token ends is not looked at: a session has its own end by that.
 *
 * @param accountId of the account that the session was opened for
 */
export function zoneSessionStands(
  view: RowView,
  accountId: string,
  { ident, login, mark, zone: name, zoneId }: ZoneSession,
): boolean {
  const zone = readZone(view, name)
  if (zone?.id !== zoneId || !zone.http) return false
  const account = readZoneAccount(view, zone, login)
  if (account?.id !== accountId) return false
  if (ident === undefined) return zone.maxTempValidityS > 0 && String(account.generation) === mark
  return (
    zone.allowTokens && account.tokens.some((token) => token.ident === ident && token.salt === mark)
  )
}

/** Tell whether a value is what {@link zoneSessionOf} makes. */
export function isZoneSession({ ident, login, mark, zoneId }: ZoneSession): boolean {
  if (!isRandomId(zoneId) || !isZoneLogin(login)) return false
  return ident === undefined ? /^\d+$/.test(mark) : isZoneTokenIdent(ident) && isRandomId(mark)
}
