/** Operations of the Secrets API in the one log (DESIGN §2, §8). */
import type { Caller, Reason } from '@secreg/protocol'
import type { ForeignSecrets, SecretRecord } from '@secreg/registry'
import { SECRETS_API_REFUSALS } from '@secreg/secrets-api'
import {
  type AuditedOutcome,
  type AuthenticatedCaller,
  ENFORCEMENT_REFUSALS,
  purposesOf,
  type RefusedCode,
  SERVICE_REFUSALS,
} from '@secreg/secrets-api/enforcement'
import type { SecretsAuditPort } from '@secreg/secrets-api/service'

/** Reasons of the log for what was answered; by status, so that a new code has one. */
const REASONS: ReadonlyMap<number, Reason> = new Map<number, Reason>([
  [400, 'INVALID_ARGUMENT'],
  [401, 'AUTH_REQUIRED'],
  [403, 'ACCESS_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'VERSION_CONFLICT'],
  [413, 'VALUE_TOO_LARGE'],
  [429, 'BUSY'],
  [500, 'INTERNAL'],
  [501, 'INVALID_ARGUMENT'],
])

const STATUS_OF: Readonly<Record<RefusedCode, { readonly status: number }>> = {
  ...SECRETS_API_REFUSALS,
  ...ENFORCEMENT_REFUSALS,
  ...SERVICE_REFUSALS,
}

/** @param actors - who is to be named for a caller, as the registry has it */
export function auditPort(
  foreign: () => Pick<ForeignSecrets, 'assertRecordable' | 'record'>,
  actors: WeakMap<AuthenticatedCaller, Caller>,
): SecretsAuditPort {
  return {
    assertReady: () => foreign().assertRecordable(),
    record: async ({ caller, operation, outcome }, canonicals, events) => {
      const actor = actors.get(caller)
      if (actor === undefined) throw new TypeError('caller: expected one who was authenticated')
      await foreign().record(actor, {
        operation,
        ...endOf(outcome),
        canonicals,
        purpose: purposesOf(operation)[0],
        events,
      })
    },
  }
}

function endOf(outcome: AuditedOutcome): Pick<SecretRecord, 'outcome' | 'reason'> {
  if (outcome.kind === 'done') return { outcome: 'ok' }
  const code = outcome.kind === 'refused' ? outcome.refused.code : outcome.code
  const { status } = STATUS_OF[code]
  const reason = REASONS.get(status) ?? 'UNREACHABLE'
  return { outcome: status === 401 || status === 403 ? 'denied' : 'failed', reason }
}
