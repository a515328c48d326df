/**
 * Zones and their accounts (specs: subauth), for administrators. What their owners do themselves goes through the door
 * of the zones, which knows them from the kernel.
 */
import {
  type Caller,
  type RequestOf,
  SecregError,
  type ZoneAccountInfo,
  type ZoneInfo,
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
  zoneAccountsSpace,
} from '@secreg/zones'
import type { Identity } from '../identity.ts'
import { type Facts, recorded } from '../recorded.ts'
import { changeZone } from './zone-change.ts'
import { infoOfZone, infoOfZoneAccount } from './zone-info.ts'

type Request<Op extends string> = Extract<RequestOf<'zone'>, { op: Op }>

/**
 * Run one request about zones.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_NOT_FOUND`, `ERR_ALREADY_EXISTS`, `ERR_ZONE_REFUSED` where the zone
 *   does not allow it, `ERR_INVALID_ARGUMENT`, `ERR_LIMIT_EXCEEDED`, `ERR_SEALED`, and the failures of store and log
 */
export function zone(
  identity: Identity,
  caller: Caller,
  request: RequestOf<'zone'>,
): Promise<ZoneResponse> {
  switch (request.op) {
    case 'list':
      return listZones(identity, caller)
    case 'accounts':
      return listAccounts(identity, caller, request)
    case 'check':
      return check(identity, caller, request)
    default:
      return changeZone(identity, caller, request)
  }
}

function listZones(identity: Identity, caller: Caller): Promise<ZoneResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'zone-list' }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    const zones: ZoneInfo[] = []
    for await (const row of core.engine.iterate(ZONE_SPACE)) {
      zones.push(infoOfZone(decodeZone(row.value, row.key.slice(ZONE_SPACE.gte.length))))
    }
    facts.count = zones.length
    return { zones }
  })
}

function listAccounts(
  identity: Identity,
  caller: Caller,
  request: Request<'accounts'>,
): Promise<ZoneResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'zone-accounts' }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    const rows = identity.rows()
    const found = readZone(rows, request.zone)
    if (found === undefined) throw new SecregError('NOT_FOUND', 'no such zone')
    facts.detail = `zone-accounts ${found.name}`
    const { login } = request
    if (login !== undefined) {
      const account = readZoneAccount(rows, found, login)
      return { accounts: account === undefined ? [] : [infoOfZoneAccount(account)] }
    }
    const accounts: ZoneAccountInfo[] = []
    for await (const row of core.engine.iterate(zoneAccountsSpace(found.id))) {
      accounts.push(infoOfZoneAccount(decodeZoneAccount(row.value, row.key)))
    }
    facts.count = accounts.length
    return { accounts }
  })
}

/** Whether a secret opens an account. Nothing is counted: who may ask could as well set it. */
function check(
  identity: Identity,
  caller: Caller,
  request: Request<'check'>,
): Promise<ZoneResponse> {
  const { core } = identity
  const login = isZoneLogin(request.login) ? request.login : ''
  const facts: Facts = { action: 'auth', detail: `zone-check ${login}`.trim() }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    core.keys.requireUnsealed()
    const rows = identity.rows()
    const found = readZone(rows, request.zone)
    const account = found === undefined ? undefined : readZoneAccount(rows, found, request.login)
    const form = await checkZoneSecret(found, account, request.password, {
      hasher: identity.hasher,
      crypto: core.crypto,
      key: core.keys.tokensKey(),
      nowMs: core.now(),
    })
    return { matches: form !== undefined }
  })
}
