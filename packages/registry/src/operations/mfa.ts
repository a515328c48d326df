/** Second factors (DESIGN §3): set up, renewed and removed by their owner; reset by who may administer him. */
import { type Caller, type MfaResponse, type RequestOf, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import {
  type Account,
  mfaStateOf,
  normalizeLogin,
  planBeginMfa,
  planConfirmMfa,
  planNewRecoveryCodes,
  planRemoveMfa,
  planUseMfa,
  type RowView,
  readAccountByLogin,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import type { Identity } from '../identity.ts'
import { requireMayActAs } from '../policy/authority.ts'
import { type Facts, recorded, recordedFailure, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { requirePasswordSession } from '../session-api.ts'
import { StagedRows } from '../staged-rows.ts'
import { noSuchUser } from './user-info.ts'

type MfaRequest = RequestOf<'mfa'>
type Own = Exclude<MfaRequest, { op: 'status' | 'reset' }>

/** Name of the service in an authenticator. */
const ISSUER = 'secreg'

/**
 * Run one request about second factors.
 *
 * @throws SecregError `ERR_AUTH_FAILED`, `ERR_AUTH_LOCKED_OUT`, `ERR_MFA_STATE`, `ERR_PASSWORD_SESSION_REQUIRED`,
 *   `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`, `ERR_USER_NOT_FOUND`, `ERR_SEALED`, and the failures of store and log
 */
export function mfa(identity: Identity, caller: Caller, request: MfaRequest): Promise<MfaResponse> {
  switch (request.op) {
    case 'status':
      return status(identity, caller, request.user)
    case 'reset':
      return reset(identity, caller, request.user)
    default:
      return change(identity, caller, request)
  }
}

function status(
  identity: Identity,
  caller: Caller,
  user: string | undefined,
): Promise<MfaResponse> {
  const facts: Facts = { action: 'admin', detail: 'mfa-status' }
  return recorded(identity.core.journal, caller, facts, () => {
    const rows = identity.rows()
    if (user === undefined) return stateOf(rows, ownId(caller))
    identity.core.authorizer.require(caller, 'account', '/')
    return stateOf(rows, accountOf(rows, user).id)
  })
}

async function change(identity: Identity, caller: Caller, request: Own): Promise<MfaResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: `mfa-${request.op}` }
  await recordedFailure(core.journal, caller, facts, async () => {
    core.keys.requireUnsealed()
    requirePasswordSession(caller)
    if (request.op !== 'begin') return
    // Whoever has found an open terminal must not bind the account to an authenticator of his own.
    await identity.verifyPassword(caller.login ?? '', request.password, caller)
  })
  const run = (): Promise<MfaResponse> =>
    core.writer.submit<MfaResponse>({
      plan: (view) => {
        core.keys.requireUnsealed()
        const accountId = ownId(caller)
        const staged = new StagedRows(rowViewOf(view))
        const { ops, shown } = planOf(identity, staged, accountId, request)
        for (const op of ops) staged.put(op)
        const told = { ...stateOf(staged, accountId), ...shown }
        return {
          ops,
          record: auditBody(caller, 'admin', 'ok', facts),
          publish: () => identity.accountChanged(accountId, 'mfa', ops),
          result: () => told,
        }
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
  return request.op === 'begin' ? run() : identity.counted(caller, run)
}

interface Planned {
  readonly ops: readonly Op[]
  readonly shown?: Omit<MfaResponse, 'state'>
}

function planOf(identity: Identity, rows: RowView, id: string, request: Own): Planned {
  const context = identity.mfaContext()
  switch (request.op) {
    case 'begin': {
      const { ops, secret, uri } = planBeginMfa(rows, id, ISSUER, context)
      return { ops, shown: { secret, uri } }
    }
    case 'confirm': {
      const { ops, recoveryCodes } = planConfirmMfa(rows, id, request.code, context)
      return { ops, shown: { recovery_codes: recoveryCodes } }
    }
    case 'recovery': {
      const { ops, recoveryCodes } = planNewRecoveryCodes(rows, id, request.code, context)
      return { ops, shown: { recovery_codes: recoveryCodes } }
    }
    case 'remove':
      // The code is what authorises it.
      planUseMfa(rows, id, request.code, context)
      return planRemoveMfa(rows, id)
  }
}

/** For who has lost his authenticator; somebody else does it, and his sessions end. */
function reset(identity: Identity, caller: Caller, user: string): Promise<MfaResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: `mfa-reset ${normalizeLogin(user) ?? ''}`.trim() }
  return core.writer.submit<MfaResponse>({
    plan: (view) => {
      core.authorizer.require(caller, 'account', '/')
      core.keys.requireUnsealed()
      requirePasswordSession(caller)
      const rows = rowViewOf(view)
      const account = accountOf(rows, user)
      if (account.id === caller.accountId) {
        throw new SecregError(
          'INVALID_ARGUMENT',
          'your own is removed with a code: sreg mfa remove',
        )
      }
      requireMayActAs(identity, caller, account, { home: false })
      const { ops } = planRemoveMfa(rows, account.id)
      return {
        ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        publish: () => identity.accountChanged(account.id, 'mfa-reset', ops),
        result: () => ({ state: 'off' }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function stateOf(rows: RowView, accountId: string): MfaResponse {
  const { state, recoveryCodesLeft } = mfaStateOf(rows, accountId)
  return { state, ...(state === 'on' ? { recovery_codes_left: recoveryCodesLeft } : {}) }
}

function ownId({ accountId }: Caller): string {
  if (accountId === undefined) throw new SecregError('AUTH_REQUIRED', 'log in first')
  return accountId
}

function accountOf(rows: RowView, user: string): Account {
  const login = normalizeLogin(user)
  const account = login === undefined ? undefined : readAccountByLogin(rows, login)
  if (account === undefined) throw noSuchUser()
  return account
}
