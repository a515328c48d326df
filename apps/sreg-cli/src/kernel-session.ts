/** One command as the account that the user of this process is mapped to, in a session of its own. */
import type { RegistryConnection } from '@secreg/client'
import { SecregError } from '@secreg/protocol'
import { CliError } from './errors.ts'
import { withOwnSession } from './own-session.ts'

/** What became of the work; undecided where not the login was at fault, and the work itself will tell what is. */
export type KernelOutcome<T> =
  | { readonly decided: true; readonly result: T }
  | { readonly decided: false }

/**
 * Do something in a session that the kernel's word on this process opens. It is for the connection alone, so that commands
 * that run at the same time do not push each other's sessions out.
 *
 * @throws SecregError `ERR_AUTH_REQUIRED` when no account is mapped to its user, as without this; CliError
 *   `AUTH_MFA_REQUIRED` when the account has a second factor, for which a command does not ask; what the work throws
 */
export async function withKernelLogin<T>(
  socket: string,
  work: (registry: RegistryConnection) => Promise<T>,
): Promise<KernelOutcome<T>> {
  const outcome = await withOwnSession(socket, { kernel: true, bound: true }, work)
  if (!outcome.refused) return { decided: true, result: outcome.result }
  const { error, mfa_required } = outcome.answer
  if (mfa_required === true) {
    const message = 'your account has a second factor'
    throw new CliError('AUTH_MFA_REQUIRED', message, 'run: sreg login --kernel')
  }
  if (error?.reason === 'AUTH_FAILED') throw new SecregError('AUTH_REQUIRED', 'log in first')
  return { decided: false }
}
