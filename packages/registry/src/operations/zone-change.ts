/** Changes of zones and of their accounts. */
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
  readZoneAccount,
  ZONE_SPACE,
  type ZoneAccount,
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
import { requireMayGive } from '../zones/zone-authority.ts'
import { isManaged, loginOf, requireZoneRight } from '../zones/zone-rights.ts'
import { requireZoneAuthPassword } from '../zones/zone-secrets.ts'
import type { ZoneTools } from '../zones/zone-tools.ts'
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

/** What was proven and hashed before the writer's turn. */
interface Ready {
  /** The account that a request is about; empty where it is about a zone. */
  readonly login: string
  readonly hash?: ZonePasswordHash | undefined
  readonly provenBy?: ZoneAccount
}

/** Change a zone or one of its accounts; see `zone`. */
export async function changeZone(
  identity: Identity,
  tools: ZoneTools,
  caller: Caller,
  request: ChangeRequest,
): Promise<ZoneResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: detailOf(caller, request) }
  const ready = await recordedFailure(core.journal, caller, facts, async () => {
    requireZoneRight(core.authorizer, caller, request)
    core.keys.requireUnsealed()
    requirePasswordSession(caller)
    return prepare(identity, tools, caller, request)
  })
  return core.writer.submit<ZoneResponse>({
    plan: (view, found) => {
      requireZoneRight(core.authorizer, caller, request)
      core.keys.requireUnsealed()
      const rows = rowViewOf(view)
      const scan = found === undefined ? scanFor(identity, rows, request) : undefined
      if (scan !== undefined) return scan
      requireMayGive(identity, caller, rows, request)
      const { ops, answer } = planOf(identity, rows, request, ready, found ?? [])
      return {
        ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        // What is checked next is checked against this.
        publish: () => identity.zoneChanged(ops),
        result: () => answer,
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

/** What takes time: the user of the system, the password that allows it, and the hash of a new one, in this order. */
async function prepare(
  identity: Identity,
  tools: ZoneTools,
  caller: Caller,
  request: ChangeRequest,
): Promise<Ready> {
  if (!('login' in request) && !isManaged(request)) return { login: '' }
  const login = loginOf(caller, request)
  const password = isManaged(request) ? request.auth_password : undefined
  const proof =
    password === undefined
      ? undefined
      : await proveBy(identity, tools, caller, { zoneName: request.zone, login, text: password })
  // Who is gone from the system is managed by nobody, but can be deleted.
  const mustExist = proof === undefined && request.op !== 'delete-account'
  if (mustExist && !(await tools.isUser(caller, login))) {
    throw new SecregError('NOT_FOUND', 'the system has no such user')
  }
  const hash =
    request.op === 'set-password'
      ? await hashZonePassword(identity.hasher, request.password)
      : undefined
  return { login, hash, ...(proof === undefined ? {} : { provenBy: proof }) }
}

function proveBy(
  identity: Identity,
  tools: ZoneTools,
  caller: Caller,
  attempt: { readonly zoneName: string; readonly login: string; readonly text: string },
): Promise<ZoneAccount> {
  const { uid } = caller
  if (caller.door !== 'subauth' || uid === undefined) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'auth_password: only at the door of the zones; here policy decides',
    )
  }
  const rows = identity.rows()
  const zone = readZone(rows, attempt.zoneName)
  const account = zone === undefined ? undefined : readZoneAccount(rows, zone, attempt.login)
  return requireZoneAuthPassword(
    tools.attempts.of(false),
    { ...attempt, uid },
    { zone, account },
    identity.hasher,
    tools.isUser(caller, attempt.login),
  )
}

function detailOf(caller: Caller, request: ChangeRequest): string {
  const words = [`zone-${request.op}`]
  if (isZoneName(request.zone) || request.zone === '*') words.push(request.zone)
  const login = 'login' in request ? request.login : undefined
  const own = isManaged(request) ? caller.systemUser : undefined
  if (isZoneLogin(login ?? own)) words.push(login ?? own ?? '')
  if ('ident' in request && /^(?:[0-9a-fA-F]{4}|\*)$/.test(request.ident)) words.push(request.ident)
  if (isManaged(request) && request.auth_password !== undefined) words.push('by password')
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
  { hash, login, provenBy }: Ready,
  found: readonly KeyedRow[],
): Change {
  const { crypto, keys, now } = identity.core
  const context = { nowMs: now(), crypto, ...(provenBy === undefined ? {} : { provenBy }) }
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
      return accountChange(planCreateZoneAccount(rows, zone, login, context))
    case 'delete-account': {
      if (zone !== '*') {
        const { ops } = planDeleteZoneAccount(rows, zone, login)
        return { ops, answer: { accounts: [] } }
      }
      const zones = found.map(({ key, value }) => {
        return decodeZone(value, key.slice(ZONE_SPACE.gte.length))
      })
      const { ops } = planDeleteZoneAccounts(rows, zones, login)
      return { ops, answer: { accounts: [] } }
    }
    case 'set-password':
      if (hash === undefined) throw new TypeError('a password that was not hashed')
      return accountChange(planSetZonePassword(rows, zone, login, hash, context))
    case 'delete-password':
      return accountChange(planDeleteZonePassword(rows, zone, login, context))
    case 'allow-password':
      return accountChange(planAllowPasswdAuth(rows, zone, login, request.allow, context))
    case 'create-token': {
      const { comment } = request
      const wanted = comment === undefined ? {} : { comment }
      const { ident, token, ...plan } = planCreateZoneToken(rows, zone, login, wanted, context)
      return accountChange(plan, { secret: token, ident })
    }
    case 'change-token': {
      const { comment, ident } = request
      const wanted = comment === undefined ? {} : { comment }
      return accountChange(planChangeZoneToken(rows, zone, login, ident, wanted, context))
    }
    case 'delete-token':
      return accountChange(planDeleteZoneToken(rows, zone, login, request.ident, context))
    case 'create-temp': {
      const { validity_s: validityS } = request
      const withKey = { ...context, key: keys.tokensKey() }
      const { token, ...plan } = planCreateTempToken(rows, zone, login, validityS, withKey)
      return accountChange(plan, { secret: token })
    }
  }
}

function zoneChange({ ops, zone }: ZonePlan): Change {
  return { ops, answer: { zones: [infoOfZone(zone)] } }
}

function accountChange({ ops, account, zone }: ZoneAccountPlan, shown: ZoneResponse = {}): Change {
  return { ops, answer: { accounts: [infoOfZoneAccount(zone.name, account)], ...shown } }
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
