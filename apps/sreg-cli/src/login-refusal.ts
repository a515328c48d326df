/** The error of a login that was refused. */
import { type AuthResponse, SecregError, type SecregErrorOptions } from '@secreg/protocol'
import { CliError } from './errors.ts'
import { printable } from './escape.ts'

/**
 * Why a login was refused.
 *
 * @param hint - what to do about a wrong password, code or token, where the usual hint does not fit
 */
export function refusalOf(
  { error, mfa_required }: Pick<AuthResponse, 'error' | 'mfa_required'>,
  hint?: string,
): SecregError {
  const mfa = mfa_required === true
  const message = error?.message ?? (mfa ? 'a second factor is needed' : 'the login was refused')
  const options: SecregErrorOptions =
    error?.retry_after === undefined ? {} : { retryAfterSeconds: error.retry_after }
  if (mfa) return new SecregError('AUTH_MFA_REQUIRED', message, options)
  const { reason } = error ?? {}
  if (reason === 'AUTH_LOCKED_OUT' || reason === 'PAM_UNAVAILABLE' || reason === 'BUSY') {
    return new SecregError(reason, message, options)
  }
  if (hint === undefined || error?.retry_after !== undefined) {
    return new SecregError('AUTH_FAILED', message, options)
  }
  return new CliError('AUTH_FAILED', printable(message), hint)
}
