/** Many secrets at once: those that are needed, and those that are taken if they may be (specs: secrets-api §3.6). */
import type { Admission } from './admission.ts'
import type { Authorizer, Wanted, WantedOutcome } from './authorizer.ts'
import { factsOf } from './decision.ts'
import {
  type AuthorizationDetails,
  type AuthorizationFailure,
  FAILURE_REASONS,
  type Refused,
  refused,
} from './refusal.ts'

/** A permit of one thing that is wanted. */
export type Permit = Extract<WantedOutcome, { kind: 'permitted' }>
type Failed = Extract<WantedOutcome, { kind: 'failed' }>

/** All that is needed is permitted. */
export interface AuthorizedBatch {
  readonly kind: 'authorized'
  /** What is needed, and what else is permitted, in the order in which it was given. */
  readonly permits: readonly Permit[]
  /** What would have been taken. */
  readonly failures: readonly AuthorizationFailure[]
}

/** Seconds after which a caller may try again when nobody could decide. */
export const PDP_RETRY_AFTER_SECONDS = 1

/**
 * Authorize all that is needed, and then what is taken if it may be. What is given twice is asked once; what is needed
 * and optional is needed.
 *
 * @returns refused when anything that is needed failed: 403 where anything was denied, else 503 or 429. Uses of grants
 *   that were taken until then are not given back
 */
export async function authorizeBatch(
  authorizer: Authorizer,
  admission: Admission,
  required: readonly Wanted[],
  optional: readonly Wanted[] = [],
): Promise<AuthorizedBatch | Refused> {
  const seen = new Set<string>()
  const isNew = ({ uri, purpose }: Wanted): boolean => {
    const key = JSON.stringify([uri === 'tenant' ? null : uri.canonical, purpose])
    return !seen.has(key) && seen.add(key) !== undefined
  }
  const needed = await authorizer.authorize(admission, required.filter(isNew))
  const refusal = refusalOf(needed)
  if (refusal !== undefined) return refusal
  const taken = await authorizer.authorize(admission, optional.filter(isNew))
  return {
    kind: 'authorized',
    permits: [...needed, ...taken].filter((outcome): outcome is Permit => {
      return outcome.kind === 'permitted'
    }),
    failures: taken.flatMap((outcome) =>
      outcome.kind === 'permitted' ? [] : [failureOf(outcome)],
    ),
  }
}

/** The refusal that outcomes are, if any of them is none. */
export function refusalOf(outcomes: readonly WantedOutcome[]): Refused | undefined {
  const failed = outcomes.filter((outcome): outcome is Failed => outcome.kind === 'failed')
  const denied = failed.find(({ code }) => code !== 'PDP_UNAVAILABLE')
  if (denied !== undefined) {
    const step = denied.code === 'JTI_REPLAY' ? 'P8' : 'P9'
    return refused(step, 'SECRET_AUTHZ_FAILED', { details: detailsOf(denied, failed) })
  }
  const [first] = failed
  if (first !== undefined) {
    const retryAfterSeconds = PDP_RETRY_AFTER_SECONDS
    return refused('P9', 'PDP_UNAVAILABLE', {
      details: detailsOf(first, failed),
      retryAfterSeconds,
    })
  }
  const full = outcomes.find((outcome) => outcome.kind === 'full')
  if (full === undefined) return undefined
  return refused('P9', 'RATE_LIMITED', { retryAfterSeconds: full.retryAfterSeconds })
}

function detailsOf({ wanted, decision }: Failed, failed: readonly Failed[]): AuthorizationDetails {
  const { decisionId, policyVersion } = decision === undefined ? {} : factsOf(decision)
  return {
    purpose: wanted.purpose,
    effect: 'Deny',
    ...(decisionId === undefined ? {} : { decision_id: decisionId }),
    ...(policyVersion === undefined ? {} : { policy_version: policyVersion }),
    ...(decision?.acrValues === undefined ? {} : { acr_values: decision.acrValues }),
    failures: failed.map(failureOf),
  }
}

/** What is not permitted, as it is answered. Where there is no room for a mark, nobody could decide. */
function failureOf(outcome: Exclude<WantedOutcome, Permit>): AuthorizationFailure {
  const { uri } = outcome.wanted
  const code = outcome.kind === 'failed' ? outcome.code : 'PDP_UNAVAILABLE'
  return {
    ...(uri === 'tenant' ? {} : { uri: uri.canonical }),
    code,
    reason: FAILURE_REASONS[code],
  }
}
