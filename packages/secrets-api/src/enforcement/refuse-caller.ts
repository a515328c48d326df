/** What is refused because of who asks and what he shows (specs: secrets-api §0, P1, P2 and P8; §3.1, §3.2, §3.4). */
import type { Admission, AuthenticatedCaller } from './admission.ts'
import type { AntiReplay } from './anti-replay.ts'
import { provesConfirmation } from './binding.ts'
import { SECRET_OPERATIONS, type SecretOperation } from './operation.ts'
import type { Purpose } from './purpose.ts'
import { CHALLENGES, type Refused, refused } from './refusal.ts'

/** What is asked of callers. */
export interface CallerRules {
  /** Whether nobody may be anonymous. */
  readonly requireAuth: boolean
  /** Whether scopes count. */
  readonly enforceScopes: boolean
  /** What `aud` must contain; of everybody where authentication is required, else of those who have one. */
  readonly audience: string
}

/** P1: who he is. */
export function refuseAnonymous(
  { authenticated }: AuthenticatedCaller,
  { requireAuth, enforceScopes }: CallerRules,
): Refused | undefined {
  if (authenticated || (!requireAuth && !enforceScopes)) return undefined
  return refused('P1', 'UNAUTHENTICATED', { challenge: CHALLENGES.none })
}

/** P2: what his credential may be used for. */
export function refuseScopes(
  caller: AuthenticatedCaller,
  operation: SecretOperation,
  { enforceScopes }: CallerRules,
): Refused | undefined {
  const { scopes } = SECRET_OPERATIONS[operation]
  if (!enforceScopes || scopes.every((scope) => caller.scopes.includes(scope))) return undefined
  const scheme = caller.confirmation?.dpop === undefined ? 'Bearer' : 'DPoP'
  return refused('P2', 'INSUFFICIENT_SCOPE', { challenge: CHALLENGES.scope(scheme, scopes) })
}

/**
 * P8: what his credential is for.
 *
 * @param purpose - of what he asks, the first
 * @param uris - canonical; what he asks about
 */
export function refuseAudience(
  { audience }: AuthenticatedCaller,
  purpose: Purpose,
  uris: readonly string[],
  rules: CallerRules,
): Refused | undefined {
  if (audience === undefined ? !rules.requireAuth : audience.includes(rules.audience)) {
    return undefined
  }
  const failure = { code: 'AUDIENCE_MISMATCH', reason: 'audience' } as const
  const failures = uris.length === 0 ? [failure] : uris.map((uri) => ({ uri, ...failure }))
  return refused('P8', 'SECRET_AUTHZ_FAILED', { details: { purpose, effect: 'Deny', failures } })
}

/** P8: whether it is his. */
export function refuseSender(
  { caller, proof }: Pick<Admission, 'caller' | 'proof'>,
  antiReplay: AntiReplay,
): Refused | undefined {
  const { confirmation = {}, proofs = {} } = caller
  if (!provesConfirmation(proofs, confirmation)) {
    const challenge = confirmation.dpop === undefined ? CHALLENGES.none : CHALLENGES.unproven
    return refused('P8', 'SENDER_BINDING_MISMATCH', { challenge })
  }
  if (proof === 'new') return undefined
  if (proof === 'full') {
    const retryAfterSeconds = antiReplay.retryAfterSeconds('proof')
    return refused('P8', 'RATE_LIMITED', { retryAfterSeconds })
  }
  return refused('P8', 'SENDER_BINDING_MISMATCH', { challenge: CHALLENGES.unproven })
}
