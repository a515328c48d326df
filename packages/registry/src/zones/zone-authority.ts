/**
 * Where a zone is for HTTP, whoever has a token of it is the zone to policy. So who administers zones must not make himself one
 * of those who have more than he: what he gives in a zone he must have himself, as with accounts.
 */
import type { Caller, RequestOf } from '@secreg/protocol'
import { type RowView, readZone, type Zone } from '@secreg/zones'
import type { Identity } from '../identity.ts'
import { requireHolds } from '../policy/grantable.ts'

type ZoneRequest = RequestOf<'zone'>

/**
 * Require that a caller has everything that policies give to a zone, where his request lets somebody act as it now or later:
 * also by a password, which makes tokens at the door of the zones, and while the zone is not for HTTP yet. There, whoever has
 * an account of his own, or is root, is not asked for more.
 *
 * @throws SecregError `ERR_GRANT_EXCEEDED`
 */
export function requireMayGive(
  { core, policies }: Identity,
  caller: Caller,
  rows: RowView,
  request: ZoneRequest,
): void {
  if (caller.door === 'subauth' || request.op === 'list' || request.zone === undefined) return
  const zone = readZone(rows, request.zone)
  if (zone === undefined || !gives(zone, request)) return
  requireHolds(
    policies.current.documents,
    new Set([`zone:${zone.id}`]),
    (action, pattern, conditions) => core.authorizer.covers(caller, action, pattern, conditions),
  )
}

function gives(zone: Zone, request: ZoneRequest): boolean {
  switch (request.op) {
    case 'create-account':
    case 'create-token':
    case 'create-temp':
    case 'set-password':
      return true
    case 'allow-password':
      return request.allow
    case 'set':
      return (
        (request.http === true && !zone.http) ||
        (request.auto_create === true && !zone.autoCreate) ||
        (request.allow_passwd === true && !zone.allowPasswd) ||
        (request.allow_tokens === true && !zone.allowTokens) ||
        (request.allow_passwd_auth === true && !zone.allowPasswdAuth) ||
        (request.max_temp_validity_s ?? 0) > zone.maxTempValidityS
      )
    default:
      return false
  }
}
