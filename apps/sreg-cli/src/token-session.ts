/** One command by a token in the environment: a session of its own, ended with the command and kept nowhere. */
import { connectRegistry, type RegistryConnection } from '@secreg/client'
import type { SecregError } from '@secreg/protocol'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { refusalOf } from './login-refusal.ts'

const NAME = 'SECREG_TOKEN'
const HINT = `the token in ${NAME} is mistyped, revoked, used up or has expired`
const EMPTY = `${NAME} is empty`
const EMPTY_HINT = 'put a token into it, or unset it'

/** Take the token out of the environment, so that no program that is started later gets it. */
export function takeToken(env: Io['env']): string | undefined {
  const token = env[NAME]
  Reflect.deleteProperty(env, NAME)
  return token
}

/** What became of the work, or why the token was refused. */
export type TokenOutcome<T> =
  | { readonly refused: false; readonly result: T }
  | { readonly refused: true; readonly error: SecregError }

/** Connect, log in with the token, do something, log out, and close. */
export async function withToken<T>(
  socket: string,
  token: string,
  work: (registry: RegistryConnection) => Promise<T>,
): Promise<TokenOutcome<T>> {
  // Made by a command that has failed, it must not lead to the session of a login, which may do more.
  if (token === '')
    return { refused: true, error: new CliError('AUTH_REQUIRED', EMPTY, EMPTY_HINT) }
  const registry = await connectRegistry({ socket })
  try {
    const answer = await registry.auth({ token })
    if (!answer.success) return { refused: true, error: refusalOf(answer, HINT) }
    let isIdle = false
    try {
      const result = await work(registry)
      isIdle = true
      return { refused: false, result }
    } finally {
      // The command is done; a session that cannot be ended ends by itself.
      await (isIdle ? registry.logout() : logoutElsewhere(registry)).catch(() => {})
    }
  } finally {
    void registry.close()
  }
}

/** End the session of a connection that may still owe an answer, such as one that nobody waits for any more. */
async function logoutElsewhere({ socketPath, sessionId }: RegistryConnection): Promise<void> {
  if (sessionId === undefined) return
  await using other = await connectRegistry({ socket: socketPath, sessionId })
  await other.logout()
}
