/** `sreg init`: sets what opens the registry, and the first administrator. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { assertSecretsComing, isInteractive, readSecrets, terminalOf } from '../secrets.ts'
import { noteShares, shareCountsOf } from '../share-counts.ts'

const CONFIRMATION = 'move it aside'
const PASSPHRASE = { question: 'Passphrase of the registry', again: 'Passphrase again' } as const
const ALREADY = 'log in, or move it aside with: sreg init --force'

export async function run(context: Context): Promise<undefined> {
  const force = context.flag('force')
  const interactive = isInteractive(context)
  let admin = context.text('admin')
  const shares = shareCountsOf(context)
  const hasPassphrase = asksPassphrase(context, shares !== undefined)
  assertSecretsComing(
    context,
    `${hasPassphrase ? 'the passphrase, then ' : ''}the password of the administrator`,
  )
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
    // Before all questions, not after them.
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
  const secrets = await readSecrets(
    context,
    [
      ...(hasPassphrase ? [PASSPHRASE] : []),
      { question: `Password of ${admin}`, again: 'Password again' },
    ],
    terminal,
  )
  const admin_password = secrets.pop() ?? ''
  const [passphrase] = secrets
  const name = admin
  const answer = await context.withRegistry(force ? 'needed' : 'none', (registry) =>
    registry.seal({
      op: 'init',
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(shares === undefined ? {} : { shares: { ...shares } }),
      admin: name,
      admin_password,
      ...(force ? { force } : {}),
    }),
  )
  const made = answer.shares ?? []
  await context.print(answer, () => made.join('\n'))
  await noteShares(context, made)
  await context.note(`initialised; run: sreg login ${name}`)
}

/** With shares there is a passphrase only when it is asked for. */
function asksPassphrase(context: Context, hasShares: boolean): boolean {
  if (!context.flag('no-passphrase')) return !hasShares || context.flag('with-passphrase')
  if (!context.flag('with-passphrase')) return false
  throw new CliError('INVALID_ARGUMENT', 'give one of --with-passphrase and --no-passphrase')
}
