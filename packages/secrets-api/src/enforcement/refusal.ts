/**
 * What the enforcement point answers when it does not permit (specs: secrets-api §0, §2.2, §2.3). Texts are constants;
 * details hold what the caller himself sent, closed words, and ids of decisions.
 */
import {
  type Refusal,
  SECRETS_API_REFUSALS,
  type SecretsApiError,
  type SecretsApiReason,
} from '../errors.ts'
import type { Purpose, SecretScope } from './purpose.ts'

/** Why a caller is refused, besides the reasons of requests and providers. */
export type EnforcementReason =
  | 'UNAUTHENTICATED'
  | 'ISSUER_UNAVAILABLE'
  | 'SENDER_BINDING_MISMATCH'
  | 'INSUFFICIENT_SCOPE'
  | 'SECRET_AUTHZ_FAILED'
  | 'PDP_UNAVAILABLE'
  | 'RATE_LIMITED'

/** Every reason with its status and text. */
export const ENFORCEMENT_REFUSALS: Readonly<Record<EnforcementReason, Refusal>> = Object.freeze({
  UNAUTHENTICATED: Object.freeze({ status: 401, text: 'a valid credential is needed' }),
  ISSUER_UNAVAILABLE: Object.freeze({
    status: 503,
    text: 'the keys of the issuer of the credential cannot be had; try again later',
  }),
  SENDER_BINDING_MISMATCH: Object.freeze({
    status: 401,
    text: 'the request does not prove the key of its credential',
  }),
  INSUFFICIENT_SCOPE: Object.freeze({ status: 403, text: 'the credential lacks the scope' }),
  SECRET_AUTHZ_FAILED: Object.freeze({ status: 403, text: 'not authorized for this purpose' }),
  PDP_UNAVAILABLE: Object.freeze({ status: 503, text: 'no decision could be made' }),
  RATE_LIMITED: Object.freeze({ status: 429, text: 'too many requests; try again later' }),
})

/** Why the whole that is asked gives no other answer. */
export type ServiceReason = 'NOT_FOUND' | 'NOT_ATTEMPTED' | 'AUDIT_UNAVAILABLE' | 'INTERNAL'

/** Every reason with its status and text. */
export const SERVICE_REFUSALS: Readonly<Record<ServiceReason, Refusal>> = Object.freeze({
  NOT_FOUND: Object.freeze({ status: 404, text: 'there is nothing here' }),
  NOT_ATTEMPTED: Object.freeze({ status: 424, text: 'not attempted: one before it has failed' }),
  AUDIT_UNAVAILABLE: Object.freeze({ status: 503, text: 'it cannot be recorded' }),
  INTERNAL: Object.freeze({ status: 500, text: 'an internal error' }),
})

/** What a failure is about. */
export type FailureReason =
  | 'policy'
  | 'unavailable'
  | 'binding'
  | 'audience'
  | 'replay'
  | 'obligation'

/** What failed, exactly. */
export type FailureCode =
  | 'DENY'
  | 'PDP_UNAVAILABLE'
  | 'BINDING_DRIFT'
  | 'BINDING_REQUIRED'
  | 'AUDIENCE_MISMATCH'
  | 'JTI_REPLAY'
  | 'OBLIGATION_UNSUPPORTED'

/** Every code with what it is about. */
export const FAILURE_REASONS: Readonly<Record<FailureCode, FailureReason>> = Object.freeze({
  DENY: 'policy',
  PDP_UNAVAILABLE: 'unavailable',
  BINDING_DRIFT: 'binding',
  BINDING_REQUIRED: 'binding',
  AUDIENCE_MISMATCH: 'audience',
  JTI_REPLAY: 'replay',
  OBLIGATION_UNSUPPORTED: 'obligation',
})

/** One secret for which there was no permission; without a URI where it is the tenant that was asked about. */
export interface AuthorizationFailure {
  readonly uri?: string
  readonly code: FailureCode
  readonly reason: FailureReason
}

/** `details` of `SECRET_AUTHZ_FAILED` and `PDP_UNAVAILABLE`. */
export interface AuthorizationDetails {
  /** Of the first failure. */
  readonly purpose: Purpose
  readonly effect: 'Deny'
  /** Of the first failure; absent where it failed before a decision. */
  readonly decision_id?: string
  readonly policy_version?: string
  /** What the caller can prove to be permitted (RFC 9470). */
  readonly acr_values?: readonly string[]
  readonly failures: readonly AuthorizationFailure[]
}

/** The step of the pipeline that refused. */
export type EnforcementStep = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8' | 'P9'

/** The code of a refusal. */
export type RefusedCode = EnforcementReason | ServiceReason | SecretsApiReason

/** A refusal, as an answer of HTTP is made of it. */
export interface Refused {
  readonly kind: 'refused'
  readonly step: EnforcementStep
  readonly status: number
  readonly code: RefusedCode
  readonly message: string
  readonly details?: AuthorizationDetails | Readonly<Record<string, number | boolean>>
  readonly retryAfterSeconds?: number
  /** Value of `WWW-Authenticate`. */
  readonly challenge?: string
}

/** A refusal of the enforcement point itself. */
export function refused(
  step: EnforcementStep,
  code: EnforcementReason,
  more: Pick<Refused, 'details' | 'retryAfterSeconds' | 'challenge'> = {},
): Refused {
  const { status, text } = ENFORCEMENT_REFUSALS[code]
  return { kind: 'refused', step, status, code, message: text, ...more }
}

/** The refusal that an error is. */
export function refusedBy(step: EnforcementStep, error: SecretsApiError): Refused {
  const { reason, status, details, retryAfterSeconds } = error
  return {
    kind: 'refused',
    step,
    status,
    code: reason,
    message: SECRETS_API_REFUSALS[reason].text,
    ...(details === undefined ? {} : { details }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }
}

/** Challenges of RFC 6750 section 3 and RFC 9449 section 7. */
export const CHALLENGES: {
  readonly none: string
  readonly unproven: string
  scope(scheme: 'Bearer' | 'DPoP', scopes: readonly SecretScope[]): string
} = Object.freeze({
  none: 'Bearer',
  unproven: 'DPoP error="invalid_dpop_proof"',
  scope: (scheme: 'Bearer' | 'DPoP', scopes: readonly SecretScope[]) =>
    `${scheme} error="insufficient_scope", scope="${scopes.join(' ')}"`,
})
