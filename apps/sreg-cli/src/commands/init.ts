/** `sreg init`: sets the passphrase and the first administrator. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { assertSecretsComing, isInteractive, readSecrets, terminalOf } from '../secrets.ts'

const CONFIRMATION = 'move it aside'
const ALREADY = 'log in, or move it aside with: sreg init --force'

export async function run(context: Context): Promise<undefined> {
  const force = context.flag('force')
  const interactive = isInteractive(context)
  let admin = context.text('admin')
  assertSecretsComing(context, 'the passphrase, then the password of the administrator')
  if (!interactive && admin === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'standard input is not a terminal',
      'give --admin NAME and --password-stdin',
    )
  }
  if (force && !context.flag('yes') && !interactive) {
    throw new CliError('INVALID_ARGUMENT', '--force moves the registry aside', 'give --yes too')
  }
  if (interactive && !force) {
    // Before five questions, not after them.
    const { state } = await context.withRegistry('none', (registry) => registry.status())
    if (state !== 'uninitialized') {
      throw new CliError('ALREADY_INITIALIZED', 'the registry is initialised already', ALREADY)
    }
  }
  const terminal = interactive ? terminalOf(context) : undefined
  if (force && !context.flag('yes')) {
    const typed = await terminal?.ask(
      `The registry at ${context.socket} will be moved aside and a new, empty one made.\nType "${CONFIRMATION}" to go on: `,
      true,
    )
    if (typed !== CONFIRMATION) throw new CliError('INVALID_ARGUMENT', 'nothing was changed')
  }
  admin ??= await terminal?.ask('Name of the first administrator: ', true)
  if (admin === undefined || admin === '') {
    throw new CliError('INVALID_ARGUMENT', 'the first administrator needs a name')
  }
  const [passphrase = '', admin_password = ''] = await readSecrets(
    context,
    [
      { question: 'Passphrase of the registry', again: 'Passphrase again' },
      { question: `Password of ${admin}`, again: 'Password again' },
    ],
    terminal,
  )
  const name = admin
  const answer = await context.withRegistry(force ? 'needed' : 'none', (registry) =>
    registry.seal({
      op: 'init',
      passphrase,
      admin: name,
      admin_password,
      ...(force ? { force } : {}),
    }),
  )
  await context.print(answer, () => '')
  await context.note(`initialised; run: sreg login ${name}`)
}
