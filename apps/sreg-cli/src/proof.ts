/** What opens the registry now, and new secrets beside it, from a person or a program. */
import { readAllSecretLines } from '@secreg/host/terminal'
import { LIMITS, type RequestOf } from '@secreg/protocol'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { readKeyFileText } from './key-file.ts'
import {
  assertSecretsComing,
  isInteractive,
  readSecrets,
  type SecretQuestion,
  terminalOf,
} from './secrets.ts'
import { asCliError } from './terminal.ts'

export type Proof = Extract<RequestOf<'protector'>, { op: 'add' }>['proof']

export interface ProofAndSecrets {
  readonly proof: Proof
  /** Answers to the questions, in order. */
  readonly secrets: readonly string[]
}

const PASSPHRASE_NOW = { question: 'Passphrase of the registry now' } as const

/**
 * Get the proof that the options name, then the answers to the questions.
 *
 * @throws CliError `INVALID_ARGUMENT` and the failures of a key file
 */
export async function readProof(
  context: Context,
  questions: readonly SecretQuestion[],
): Promise<ProofAndSecrets> {
  const file = context.text('proof-key-file')
  const byShares = context.flag('proof-shares')
  if (file !== undefined && byShares) {
    throw new CliError('INVALID_ARGUMENT', 'give one of --proof-key-file and --proof-shares')
  }
  if (file !== undefined) {
    const key_file = await readKeyFileText(file)
    const secrets = questions.length === 0 ? [] : await readSecrets(context, questions)
    return { proof: { key_file }, secrets }
  }
  if (byShares) return readSharesFirst(context, questions)
  const [passphrase = '', ...secrets] = await readSecrets(context, [PASSPHRASE_NOW, ...questions])
  return { proof: { passphrase }, secrets }
}

async function readSharesFirst(
  context: Context,
  questions: readonly SecretQuestion[],
): Promise<ProofAndSecrets> {
  const names = [
    'the shares, one a line',
    ...questions.map(({ question }) => question.toLowerCase()),
  ]
  assertSecretsComing(context, names.join(', then '))
  if (!isInteractive(context)) {
    const lines = await readAllSecretLines(context.io.stdin).catch(asCliError)
    const at = lines.length - questions.length
    if (at < 1) {
      throw new CliError(
        'INVALID_ARGUMENT',
        `standard input has too few lines: ${names.join(', then ')}`,
      )
    }
    return { proof: { shares: lines.slice(0, at) }, secrets: lines.slice(at) }
  }
  await context.withRegistry('none', async () => {})
  const terminal = terminalOf(context)
  const shares: string[] = []
  while (shares.length < LIMITS.shares) {
    const share = await terminal.ask(`Share ${shares.length + 1} (nothing: that is all): `, false)
    if (share === '') break
    shares.push(share)
  }
  const secrets = questions.length === 0 ? [] : await readSecrets(context, questions, terminal)
  return { proof: { shares }, secrets }
}
