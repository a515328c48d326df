/** One command by a token in the environment, in a session of its own. */
import type { RegistryConnection } from '@secreg/client'
import type { SecregError } from '@secreg/protocol'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { refusalOf } from './login-refusal.ts'
import { withOwnSession } from './own-session.ts'

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

/** Do something in a session of the token. */
export async function withToken<T>(
  socket: string,
  token: string,
  work: (registry: RegistryConnection) => Promise<T>,
): Promise<TokenOutcome<T>> {
  // Made by a command that has failed, it must not lead to the session of a login, which may do more.
  if (token === '')
    return { refused: true, error: new CliError('AUTH_REQUIRED', EMPTY, EMPTY_HINT) }
  const outcome = await withOwnSession(socket, { token }, work)
  return outcome.refused ? { refused: true, error: refusalOf(outcome.answer, HINT) } : outcome
}
