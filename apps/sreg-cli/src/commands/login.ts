/** `sreg login`: asks for the password and keeps the session. */
import { SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { readSecrets } from '../secrets.ts'
import { saveSession } from '../session-file.ts'

export async function run(context: Context): Promise<undefined> {
  const username = context.operand(0)
  const [password = ''] = await readSecrets(context, [{ question: 'Password' }])
  const answer = await context.withRegistry('none', async (registry) => {
    const outcome = await registry.auth({ username, password })
    if (outcome.success && outcome.session_id !== undefined) {
      try {
        saveSession(context.io.env, context.socket, {
          session_id: outcome.session_id,
          user: username,
        })
      } catch (error) {
        // A session that nobody holds must not stay open.
        await registry.logout().catch(() => {})
        throw error
      }
    }
    return outcome
  })
  if (!answer.success) throw refusal(answer.error, answer.mfa_required === true)
  if (answer.session_id === undefined) throw new CliError('INTERNAL', 'the daemon gave no session')
  const { roles = [], expires_in } = answer
  // The session id is a credential: it goes into the private file and nowhere else.
  await context.print({ success: true, user: username, roles, expires_in }, () => '')
  if (context.io.stderr.isTTY === true) {
    await context.note(
      `logged in as ${username}${roles.length > 0 ? ` (${roles.join(', ')})` : ''}`,
    )
  }
}

function refusal(
  error: { reason?: string; message?: string; retry_after?: number } | undefined,
  mfa: boolean,
): SecregError {
  const message = error?.message ?? (mfa ? 'a second factor is needed' : 'the login was refused')
  const wait = error?.retry_after === undefined ? {} : { retryAfterSeconds: error.retry_after }
  if (mfa) return new SecregError('AUTH_MFA_REQUIRED', message, wait)
  if (error?.reason === 'AUTH_LOCKED_OUT') return new SecregError('AUTH_LOCKED_OUT', message, wait)
  return new SecregError('AUTH_FAILED', message, wait)
}
