/**
 * Logins of accounts of zones, for HTTP (DESIGN §3): a name `ZONE/LOGIN` and a token of that account, where the zone is one for
 * HTTP. Its password is none: what people type into mail programs opens nothing here.
 */
import { SecregError } from '@secreg/protocol'
import {
  type CheckedZoneToken,
  checkZoneToken,
  isZoneLogin,
  isZoneName,
  type OpenedSession,
  readZone,
  readZoneAccount,
  type SessionDetails,
  zoneSessionOf,
} from '@secreg/zones'
import type { GatewayTerms, Identity, Peer } from '../identity.ts'
import type { ZoneTools } from '../zones/zone-tools.ts'
import { openSince } from './open-session.ts'

/** Whom somebody logs in as. */
export interface ZoneUser {
  readonly zone: string
  readonly login: string
}

/** The account of a zone that a typed name can mean; undefined where it can mean none. No other account has a `/` in it. */
export function zoneUserOf(username: string | undefined): ZoneUser | undefined {
  const [zone, login, ...more] = username?.split('/', 3) ?? []
  if (more.length > 0 || !isZoneName(zone) || !isZoneLogin(login)) return undefined
  return { zone, login }
}

/** The name that it is known by here. */
export function nameOfZoneUser({ login, zone }: ZoneUser): string {
  return `${zone}/${login}`
}

/**
 * Open a session for a token of an account of a zone, for whoever a gateway asks for. Failures are counted as those of access
 * tokens.
 *
 * @param peer - with the address that the gateway saw
 * @throws SecregError `ERR_AUTH_FAILED`, whatever is wrong; `ERR_AUTH_LOCKED_OUT`, `ERR_SEALED`, and `ERR_BUSY` also when the
 *   system cannot tell now whether it still has the user
 */
export async function openZoneSession(
  identity: Identity,
  tools: ZoneTools,
  peer: Peer & { readonly gateway: GatewayTerms },
  user: ZoneUser,
  text: string,
): Promise<OpenedSession> {
  const { core, sessions } = identity
  core.keys.requireUnsealed()
  const verify = (): CheckedZoneToken =>
    identity.verifyOtherToken(peer, () => checked(identity, user, text))
  const since = sessions.epoch
  const proven = verify()
  if (!(await tools.exists(user.login))) throw refused()
  const details = detailsOf(identity, peer, user, proven)
  return openSince(sessions, since, details, () => detailsOf(identity, peer, user, verify()))
}

function detailsOf(
  { core }: Identity,
  { address, gateway }: Peer & { readonly gateway: GatewayTerms },
  user: ZoneUser,
  proven: CheckedZoneToken,
): SessionDetails {
  const { account, expiresAtMs } = proven
  const leftMs = expiresAtMs === undefined ? Infinity : Math.max(1, expiresAtMs - core.now())
  return {
    accountId: account.id,
    login: nameOfZoneUser(user),
    roles: [],
    mfa: false,
    zone: zoneSessionOf(proven),
    binding: gateway.binding,
    counted: false,
    lifetimeMs: Math.min(gateway.lifetimeMs, leftMs),
    address,
  }
}

function checked(identity: Identity, user: ZoneUser, text: string): CheckedZoneToken | undefined {
  const { core } = identity
  const rows = identity.rows()
  const zone = readZone(rows, user.zone)
  const account = zone === undefined ? undefined : readZoneAccount(rows, zone, user.login)
  const ports = { crypto: core.crypto, key: core.keys.tokensKey(), nowMs: core.now() }
  const token = checkZoneToken(zone, account, text, ports)
  return token?.zone.http === true ? token : undefined
}

function refused(): SecregError {
  return new SecregError('AUTH_FAILED', 'user name or password is wrong')
}
