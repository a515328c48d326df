/** Refusals of whoever cannot show who he is (specs: secrets-api §2.3, §3.1; RFC 6750 section 3, RFC 9449 section 7.1). */
import {
  ENFORCEMENT_REFUSALS,
  type EnforcementReason,
  type Refused,
} from '@secreg/secrets-api/enforcement'

/** Words before a token, as requests name them. */
export type TokenScheme = 'bearer' | 'dpop'

const TOKEN_CHALLENGES: Readonly<Record<TokenScheme, string>> = Object.freeze({
  bearer: 'Bearer error="invalid_token"',
  dpop: 'DPoP error="invalid_token"',
})

/** No credential, where one is needed. */
export function nobodyRefused(): Refused {
  return refusedFor('UNAUTHENTICATED', { challenge: 'Bearer' })
}

/** A credential that is no good, or not of the kind that is accepted here. */
export function credentialRefused(scheme: TokenScheme): Refused {
  return refusedFor('UNAUTHENTICATED', { challenge: TOKEN_CHALLENGES[scheme] })
}

/** A proof that proves nothing. */
export function proofRefused(): Refused {
  return refusedFor('SENDER_BINDING_MISMATCH', { challenge: 'DPoP error="invalid_dpop_proof"' })
}

/** Too many failures before: nothing was looked at. */
export function lockedOut(retryAfterSeconds: number): Refused {
  return refusedFor('RATE_LIMITED', { retryAfterSeconds })
}

/** Nobody knows whether the credential is good. */
export function issuerUnavailable(retryAfterSeconds: number): Refused {
  return refusedFor('ISSUER_UNAVAILABLE', { retryAfterSeconds })
}

function refusedFor(
  code: EnforcementReason,
  more: Pick<Refused, 'challenge' | 'retryAfterSeconds'>,
): Refused {
  const { status, text } = ENFORCEMENT_REFUSALS[code]
  return Object.freeze({ kind: 'refused', step: 'P1', status, code, message: text, ...more })
}
