/** Changes of zones and of their accounts, made by an administrator. */
import { type Caller, type RequestOf, SecregError, type ZoneResponse } from '@secreg/protocol'
import type { KeyedRow, Op } from '@secreg/storage'
import {
  decodeZone,
  dropZoneAccounts,
  hashZonePassword,
  isZoneLogin,
  isZoneName,
  planAllowPasswdAuth,
  planChangeZoneToken,
  planCreateTempToken,
  planCreateZone,
  planCreateZoneAccount,
  planCreateZoneToken,
  planDeleteZoneAccount,
  planDeleteZoneAccounts,
  planDeleteZonePassword,
  planDeleteZoneToken,
  planRemoveZone,
  planSetZone,
  planSetZonePassword,
  type RowView,
  readZone,
  ZONE_SPACE,
  type ZoneAccountPlan,
  type ZonePasswordHash,
  type ZonePlan,
  type ZoneSettings,
  zoneAccountsSpace,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import type { Identity } from '../identity.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import type { Scan } from '../operation.ts'
import { policiesNaming } from '../policy/naming.ts'
import { type Facts, recordedFailure, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { requirePasswordSession } from '../session-api.ts'
import { infoOfZone, infoOfZoneAccount } from './zone-info.ts'

type ChangeRequest = Exclude<
  RequestOf<'zone'>,
  { op: 'list' } | { op: 'accounts' } | { op: 'check' }
>
type SwitchRequest = Extract<ChangeRequest, { op: 'add' | 'set' }>

/** What is written, and answered. */
interface Change {
  readonly ops: readonly Op[]
  readonly answer: ZoneResponse
}

/** Change a zone or one of its accounts; see `zone`. */
export async function changeZone(
  identity: Identity,
  caller: Caller,
  request: ChangeRequest,
): Promise<ZoneResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: detailOf(request) }
  const hash = await recordedFailure(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'account', '/')
    core.keys.requireUnsealed()
    requirePasswordSession(caller)
    if (request.op !== 'set-password') return undefined
    return hashZonePassword(identity.hasher, request.password)
  })
  return core.writer.submit<ZoneResponse>({
    plan: (view, found) => {
      core.authorizer.require(caller, 'account', '/')
      core.keys.requireUnsealed()
      const rows = rowViewOf(view)
      const scan = found === undefined ? scanFor(identity, rows, request) : undefined
      if (scan !== undefined) return scan
      const { ops, answer } = planOf(identity, rows, request, hash, found ?? [])
      return {
        ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        // What is checked next is checked against this.
        publish: () => {},
        result: () => answer,
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function detailOf(request: ChangeRequest): string {
  const words = [`zone-${request.op}`]
  if (isZoneName(request.zone) || request.zone === '*') words.push(request.zone)
  if ('login' in request && isZoneLogin(request.login)) words.push(request.login)
  if ('ident' in request && /^(?:[0-9a-fA-F]{4}|\*)$/.test(request.ident)) words.push(request.ident)
  return words.join(' ')
}

/** Rows that the change is about and that have no name in the request. */
function scanFor({ policies }: Identity, rows: RowView, request: ChangeRequest): Scan | undefined {
  if (request.op === 'delete-account' && request.zone === '*') {
    return { scan: ZONE_SPACE, maxRows: REGISTRY_LIMITS.accountsLooked }
  }
  if (request.op !== 'remove') return undefined
  const found = readZone(rows, request.zone)
  if (found === undefined) throw new SecregError('NOT_FOUND', 'no such zone')
  const { id, name } = found
  const naming = policiesNaming(policies.current.documents, `zone:${id}`)
  if (naming.length > 0) {
    throw new SecregError('IN_USE', `policies name zone ${name}: ${naming.join(', ')}`)
  }
  // Whatever is left of a larger one is dead with its id.
  return { scan: zoneAccountsSpace(id), maxRows: REGISTRY_LIMITS.subtreeEntries, stopAtMax: true }
}

function planOf(
  identity: Identity,
  rows: RowView,
  request: ChangeRequest,
  hash: ZonePasswordHash | undefined,
  found: readonly KeyedRow[],
): Change {
  const { crypto, keys, now } = identity.core
  const context = { nowMs: now(), crypto }
  const { zone } = request
  switch (request.op) {
    case 'add':
      return zoneChange(planCreateZone(rows, zone, settingsOf(request), context))
    case 'set':
      return zoneChange(planSetZone(rows, zone, settingsOf(request), context))
    case 'remove': {
      const plan = planRemoveZone(rows, zone)
      const logins = found.map(({ key }) => key.slice(key.lastIndexOf('/') + 1))
      return {
        ops: [...plan.ops, ...dropZoneAccounts(plan.zone.id, logins)],
        answer: { zones: [] },
      }
    }
    case 'create-account':
      return accountChange(planCreateZoneAccount(rows, zone, request.login, context))
    case 'delete-account': {
      if (zone !== '*') {
        const { ops } = planDeleteZoneAccount(rows, zone, request.login)
        return { ops, answer: { accounts: [] } }
      }
      const zones = found.map(({ key, value }) => {
        return decodeZone(value, key.slice(ZONE_SPACE.gte.length))
      })
      const { ops } = planDeleteZoneAccounts(rows, zones, request.login)
      return { ops, answer: { accounts: [] } }
    }
    case 'set-password':
      if (hash === undefined) throw new TypeError('a password that was not hashed')
      return accountChange(planSetZonePassword(rows, zone, request.login, hash, context))
    case 'delete-password':
      return accountChange(planDeleteZonePassword(rows, zone, request.login, context))
    case 'allow-password':
      return accountChange(planAllowPasswdAuth(rows, zone, request.login, request.allow, context))
    case 'create-token': {
      const { comment, login } = request
      const wanted = comment === undefined ? {} : { comment }
      const { ident, token, ...plan } = planCreateZoneToken(rows, zone, login, wanted, context)
      return accountChange(plan, { secret: token, ident })
    }
    case 'change-token': {
      const { comment, ident, login } = request
      const wanted = comment === undefined ? {} : { comment }
      return accountChange(planChangeZoneToken(rows, zone, login, ident, wanted, context))
    }
    case 'delete-token':
      return accountChange(planDeleteZoneToken(rows, zone, request.login, request.ident, context))
    case 'create-temp': {
      const { login, validity_s: validityS } = request
      const withKey = { ...context, key: keys.tokensKey() }
      const { token, ...plan } = planCreateTempToken(rows, zone, login, validityS, withKey)
      return accountChange(plan, { secret: token })
    }
  }
}

function zoneChange({ ops, zone }: ZonePlan): Change {
  return { ops, answer: { zones: [infoOfZone(zone)] } }
}

function accountChange({ ops, account }: ZoneAccountPlan, shown: ZoneResponse = {}): Change {
  return { ops, answer: { accounts: [infoOfZoneAccount(account)], ...shown } }
}

function settingsOf(request: SwitchRequest): ZoneSettings {
  const settings = {
    description: request.description,
    allowPasswd: request.allow_passwd,
    allowTokens: request.allow_tokens,
    allowPasswdAuth: request.allow_passwd_auth,
    autoCreate: request.auto_create,
    http: request.http,
    maxTempValidityS: request.max_temp_validity_s,
    trustedUids: request.trusted_uids,
  }
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as ZoneSettings
}
