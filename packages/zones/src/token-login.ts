/** A login with an access token: limits, verification and counting. */
import { tokenRefused, type VerifiedToken } from './access-token-plan.ts'
import { type AttemptLimiter, lockedOutError } from './attempt-limiter.ts'
import type { AttemptSource } from './attempt-source.ts'

/** What a login with a token is made with. */
export interface TokenLoginPorts {
  readonly limiter: AttemptLimiter
  /** `verifyAccessToken` over the present rows. */
  readonly verify: (text: string) => VerifiedToken | undefined
}

/**
 * Verify a token, counting failures by their source. Opens nothing and uses nothing up.
 *
 * @throws SecregError `ERR_AUTH_FAILED`, the same for every token that is not good; `ERR_AUTH_LOCKED_OUT` with
 *   `retryAfterSeconds`
 */
export function verifyTokenLogin(
  { limiter, verify }: TokenLoginPorts,
  { text, source }: { readonly text: string; readonly source: AttemptSource },
): VerifiedToken {
  const locked = limiter.retryTokenAfterSeconds(source)
  if (locked !== undefined) throw lockedOutError(locked)
  const verified = verify(text)
  if (verified === undefined) {
    limiter.failToken(source)
    throw tokenRefused()
  }
  return verified
}
