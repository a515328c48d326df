/**
 * Zones and their accounts (specs: subauth): for administrators, and for their owners and the services that ask about them,
 * who come through the door of the zones and are known from the kernel.
 */
import {
  type Caller,
  type RequestOf,
  SecregError,
  type ZoneAccountInfo,
  type ZoneResponse,
} from '@secreg/protocol'
import {
  checkZoneSecret,
  decodeZone,
  decodeZoneAccount,
  isZoneLogin,
  readZone,
  readZoneAccount,
  ZONE_SPACE,
  type Zone,
  zoneAccountsSpace,
} from '@secreg/zones'
import { accessDenied } from '../authorizer.ts'
import type { Identity } from '../identity.ts'
import { type Facts, recorded } from '../recorded.ts'
import { isService, loginOf, requireZoneRight } from '../zones/zone-rights.ts'
import { requireZoneSecret } from '../zones/zone-secrets.ts'
import type { ZoneTools } from '../zones/zone-tools.ts'
import { changeZone } from './zone-change.ts'
import { infoOfZone, infoOfZoneAccount, publicInfoOfZone } from './zone-info.ts'

type Request<Op extends string> = Extract<RequestOf<'zone'>, { op: Op }>

/**
 * Run one request about zones.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_NOT_FOUND`, `ERR_ALREADY_EXISTS`, `ERR_ZONE_REFUSED` where the zone
 *   does not allow it, `ERR_INVALID_ARGUMENT`, `ERR_LIMIT_EXCEEDED`, `ERR_SEALED`, and the failures of store and log
 */
export function zone(
  identity: Identity,
  tools: ZoneTools,
  caller: Caller,
  request: RequestOf<'zone'>,
): Promise<ZoneResponse> {
  switch (request.op) {
    case 'list':
      return listZones(identity, caller)
    case 'accounts':
      return listAccounts(identity, tools, caller, request)
    case 'check':
      return check(identity, tools, caller, request)
    default:
      return changeZone(identity, tools, caller, request)
  }
}

function listZones(identity: Identity, caller: Caller): Promise<ZoneResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'zone-list' }
  return recorded(core.journal, caller, facts, async () => {
    requireZoneRight(core.authorizer, caller, { op: 'list' })
    const infoOf = caller.door === 'subauth' ? publicInfoOfZone : infoOfZone
    const zones = (await allZones(identity)).map(infoOf)
    facts.count = zones.length
    return { zones }
  })
}

async function allZones({ core }: Identity): Promise<Zone[]> {
  const zones: Zone[] = []
  for await (const row of core.engine.iterate(ZONE_SPACE)) {
    zones.push(decodeZone(row.value, row.key.slice(ZONE_SPACE.gte.length)))
  }
  return zones
}

function listAccounts(
  identity: Identity,
  tools: ZoneTools,
  caller: Caller,
  request: Request<'accounts'>,
): Promise<ZoneResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'zone-accounts' }
  return recorded(core.journal, caller, facts, async () => {
    // Also of who may not ask it is told about whom he did.
    const asked = request.login ?? caller.systemUser
    if (request.zone === undefined && isZoneLogin(asked)) facts.detail = `zone-accounts * ${asked}`
    requireZoneRight(core.authorizer, caller, request)
    if (request.zone === undefined) {
      const login = loginOf(caller, request)
      if (!(await tools.isUser(caller, login))) {
        throw new SecregError('NOT_FOUND', 'the system has no such user')
      }
      const accounts = accountsOf(identity, await allZones(identity), login)
      facts.count = accounts.length
      return { accounts }
    }
    const found = readZone(identity.rows(), request.zone)
    if (found === undefined) throw new SecregError('NOT_FOUND', 'no such zone')
    facts.detail = `zone-accounts ${found.name}`
    // Everybody in a zone is for administrators alone.
    const login = caller.door === 'subauth' ? loginOf(caller, request) : request.login
    const accounts =
      login === undefined ? await accountsIn(identity, found) : accountsOf(identity, [found], login)
    facts.count = accounts.length
    return { accounts }
  })
}

/** The accounts of one login. */
function accountsOf(
  identity: Identity,
  zones: readonly Zone[],
  login: string,
): readonly ZoneAccountInfo[] {
  const rows = identity.rows()
  return zones.flatMap((one) => {
    const account = readZoneAccount(rows, one, login)
    return account === undefined ? [] : [infoOfZoneAccount(one.name, account)]
  })
}

async function accountsIn({ core }: Identity, { id, name }: Zone): Promise<ZoneAccountInfo[]> {
  const accounts: ZoneAccountInfo[] = []
  for await (const row of core.engine.iterate(zoneAccountsSpace(id))) {
    accounts.push(infoOfZoneAccount(name, decodeZoneAccount(row.value, row.key)))
  }
  return accounts
}

/**
 * Whether a secret opens an account. At the door of the zones one that does not is refused and counted; elsewhere nothing
 * is counted, since who may ask could as well set it.
 */
function check(
  identity: Identity,
  tools: ZoneTools,
  caller: Caller,
  request: Request<'check'>,
): Promise<ZoneResponse> {
  const { core, hasher } = identity
  const facts: Facts = { action: 'auth', detail: 'zone-check' }
  return recorded(core.journal, caller, facts, async () => {
    const rows = identity.rows()
    const found = readZone(rows, request.zone)
    const asked = request.login ?? caller.systemUser
    facts.detail = ['zone-check', found?.name, isZoneLogin(asked) ? asked : undefined]
      .filter((word) => word !== undefined)
      .join(' ')
    requireZoneRight(core.authorizer, caller, request, found)
    core.keys.requireUnsealed()
    const login = loginOf(caller, request)
    const account = found === undefined ? undefined : readZoneAccount(rows, found, login)
    const key = core.keys.tokensKey()
    const ports = { hasher, crypto: core.crypto, key, nowMs: core.now() }
    if (caller.door !== 'subauth') {
      const form = await checkZoneSecret(found, account, request.password, ports)
      return { matches: form !== undefined }
    }
    await requireZoneSecret(
      tools.attempts.of(isService(caller, request)),
      { zoneName: request.zone, login, text: request.password, uid: kernelUid(caller) },
      { zone: found, account },
      ports,
      tools.isUser(caller, login),
    )
    return { matches: true }
  })
}

function kernelUid({ uid }: Caller): number {
  if (uid === undefined) throw accessDenied()
  return uid
}
