/**
 * Secrets from a person or a program: asked on a terminal without echo, or read from standard input, one line each,
 * when `--password-stdin` says so. Never from arguments, nor from the environment but for a token (token-session.ts).
 */
import type { ReadStream } from 'node:tty'
import { readSecretLines } from '@secreg/host/terminal'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { asCliError, Terminal } from './terminal.ts'

/** One secret to ask for. */
export interface SecretQuestion {
  readonly question: string
  /** Asked a second time, and both must be equal. */
  readonly again?: string
}

/** Where secrets come from. */
export type SecretSource = Pick<Context, 'io' | 'flag'>

/** Whether a person can be asked. */
export function isInteractive(context: SecretSource): boolean {
  return context.io.stdin.isTTY === true
}

/** A terminal to ask on; only where {@link isInteractive}. */
export function terminalOf(context: SecretSource): Terminal {
  return new Terminal(context.io.stdin as ReadStream, context.io.stderr)
}

/**
 * Refuse to go on where neither a terminal nor standard input can give the secrets.
 *
 * @param option - the switch that says so
 */
export function assertSecretsComing(
  context: SecretSource,
  lines: string,
  option: 'password-stdin' | 'token-stdin' = 'password-stdin',
): void {
  if (isInteractive(context) || context.flag(option)) return
  throw new CliError(
    'INVALID_ARGUMENT',
    'standard input is not a terminal',
    `give --${option} and write to standard input: ${lines}`,
  )
}

/**
 * Get secrets, in order.
 *
 * @throws CliError `INVALID_ARGUMENT` when there is no way to ask, a line is missing or empty, or two differ
 */
export function readSecrets(
  context: Context,
  questions: readonly SecretQuestion[],
  terminal?: Terminal,
): Promise<string[]> {
  const reach = (): Promise<void> => context.withRegistry('none', async () => {})
  return askSecrets(context, questions, reach, terminal)
}

/**
 * Get secrets, in order, for whoever is reached.
 *
 * @param reach - fails when nobody is there to take them
 * @throws CliError `INVALID_ARGUMENT` as {@link readSecrets}, and what `reach` throws
 */
export async function askSecrets(
  source: SecretSource,
  questions: readonly SecretQuestion[],
  reach: () => Promise<void>,
  terminal?: Terminal,
): Promise<string[]> {
  const names = questions.map(({ question }) => question.toLowerCase())
  assertSecretsComing(source, names.join(', then '))
  if (!isInteractive(source)) return readSecretLines(source.io.stdin, names).catch(asCliError)
  // Nobody should type a secret before it turns out that there is no daemon.
  await reach()
  const asked = terminal ?? terminalOf(source)
  const secrets: string[] = []
  for (const { question, again } of questions) {
    const secret = await asked.ask(`${question}: `, false)
    if (secret === '') throw new CliError('INVALID_ARGUMENT', 'nothing was typed')
    if (again !== undefined && (await asked.ask(`${again}: `, false)) !== secret) {
      throw new CliError('INVALID_ARGUMENT', 'the two are not the same')
    }
    secrets.push(secret)
  }
  return secrets
}
