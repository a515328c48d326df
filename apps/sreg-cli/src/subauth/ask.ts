/** The secrets that an operation takes, from the terminal or standard input. */
import { CliError } from '../errors.ts'
import { askSecrets, type SecretQuestion } from '../secrets.ts'
import type { Use } from './use.ts'

/** Secrets by what they are for. */
export interface Secrets {
  /** Password of the account, which decides whether the operation is allowed. */
  readonly authPasswd?: string
  /** The new password, or what is checked. */
  readonly passwd: string
}

const NEW: SecretQuestion = { question: 'New password', again: 'New password again' }
const CHECKED: SecretQuestion = { question: 'Password or token' }
const PRESENT: SecretQuestion = { question: 'Password of the account' }

/**
 * Get what the operation takes; most take nothing.
 *
 * @throws CliError `INVALID_ARGUMENT` when there is no way to ask, or nothing to ask for
 */
export async function readOperationSecrets(use: Use): Promise<Secrets> {
  const { name } = use.line.operation
  const questions: SecretQuestion[] = []
  const authorised = use.flag('auth-passwd')
  if (authorised) questions.push(PRESENT)
  if (name === 'passwd') questions.push(NEW)
  if (name === 'login') questions.push(CHECKED)
  if (questions.length === 0) {
    if (!use.flag('password-stdin')) return { passwd: '' }
    // Who gives a password means it to be looked at.
    throw new CliError('INVALID_ARGUMENT', '--password-stdin needs --auth-passwd here')
  }
  const secrets = await askSecrets(use, questions, () => use.withServer(async () => {}))
  const [authPasswd] = authorised ? secrets : []
  return { ...(authPasswd === undefined ? {} : { authPasswd }), passwd: secrets.at(-1) ?? '' }
}
