/** What is refused because of who asks and what he shows (specs: secrets-api §0, P1, P2 and P8; §3.1, §3.2, §3.4). */
import type { Admission, AuthenticatedCaller } from './admission.ts'
import type { AntiReplay } from './anti-replay.ts'
import { provesConfirmation } from './binding.ts'
import type { Meter } from './metrics.ts'
import { SECRET_OPERATIONS, type SecretOperation } from './operation.ts'
import type { Purpose } from './purpose.ts'
import { CHALLENGES, type Refused, refused } from './refusal.ts'
import { purposesOf, type Targets } from './targets.ts'

/** What is asked of callers. */
export interface CallerRules {
  /** Whether nobody may be anonymous. */
  readonly requireAuth: boolean
  /** Whether scopes count. */
  readonly enforceScopes: boolean
  /** What `aud` must contain; of everybody where authentication is required, else of those who have one. */
  readonly audience: string
}

/** P1 and P2: who he is, and what his credential may be used for. */
export function refuseScopes(
  caller: AuthenticatedCaller,
  operation: SecretOperation,
  { requireAuth, enforceScopes }: CallerRules,
): Refused | undefined {
  if (!caller.authenticated && (requireAuth || enforceScopes)) {
    return refused('P1', 'UNAUTHENTICATED', { challenge: CHALLENGES.none })
  }
  const { scopes } = SECRET_OPERATIONS[operation]
  if (!enforceScopes || scopes.every((scope) => caller.scopes.includes(scope))) return undefined
  const scheme = caller.confirmation?.dpop === undefined ? 'Bearer' : 'DPoP'
  return refused('P2', 'INSUFFICIENT_SCOPE', { challenge: CHALLENGES.scope(scheme, scopes) })
}

/** P8: what his credential is for. */
export function refuseAudience(
  { audience }: AuthenticatedCaller,
  operation: SecretOperation,
  { places }: Targets,
  rules: CallerRules,
  meter: Meter,
): Refused | undefined {
  if (audience === undefined ? !rules.requireAuth : audience.includes(rules.audience)) {
    return undefined
  }
  meter.count('secret_denies_total', { policy: 'audience' })
  const failure = { code: 'AUDIENCE_MISMATCH', reason: 'audience' } as const
  const about = places.map(({ place }) => ({ uri: place.canonical, ...failure }))
  return refused('P8', 'SECRET_AUTHZ_FAILED', {
    details: {
      purpose: purposesOf(operation)[0] as Purpose,
      effect: 'Deny',
      failures: about.length === 0 ? [failure] : about,
    },
  })
}

/** P8: whether it is his. */
export function refuseSender(
  { caller, proof }: Admission,
  antiReplay: AntiReplay,
  meter: Meter,
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
  meter.count('anti_replay_total', {})
  return refused('P8', 'SENDER_BINDING_MISMATCH', { challenge: CHALLENGES.unproven })
}
