/** `sreg mfa`: the second factor of a login. */
import type { MfaResponse, RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { hasControl, printable } from '../escape.ts'
import { withHints } from '../hints.ts'
import { writeAll } from '../io.ts'
import { qrCode } from '../qr-code.ts'
import { SecretDialog } from '../secret-dialog.ts'
import { assertSecretsComing, isInteractive } from '../secrets.ts'
import { formatPairs } from '../table.ts'

type MfaRequest = RequestOf<'mfa'>

const CODE = 'Code of the authenticator'
const CODE_OR_RECOVERY = `${CODE}, or a recovery code`
const HINTS = {
  AUTH_FAILED: 'nothing was changed; check the clock of the authenticator, and give its next code',
  MFA_STATE: 'run: sreg mfa status',
  USER_NOT_FOUND: 'run: sreg user list',
}
const WRONG_PASSWORD = { AUTH_FAILED: 'nothing was changed; check the password' }
const WRONG_CODE = {
  AUTH_FAILED: 'check the clock of the authenticator; then go on with: sreg mfa confirm',
}

export async function run(context: Context): Promise<undefined> {
  await withHints(HINTS, () => {
    switch (context.invocation.subcommand) {
      case 'enroll':
        return withHints(
          { AUTH_FAILED: 'nothing was changed; check the password, or the code' },
          () => enroll(context),
        )
      case 'confirm':
        return byCode(context, 'confirm', CODE)
      case 'recovery':
        return byCode(context, 'recovery', CODE_OR_RECOVERY)
      case 'remove':
        return byCode(context, 'remove', CODE_OR_RECOVERY)
      case 'reset':
        return reset(context)
      default:
        return status(context)
    }
  })
}

const ask = (context: Context, request: MfaRequest): Promise<MfaResponse> =>
  context.withRegistry('needed', (registry) => registry.mfa(request))

async function status(context: Context): Promise<void> {
  const user = context.text('user')
  const answer = await ask(context, { op: 'status', ...(user === undefined ? {} : { user }) })
  const { state, recovery_codes_left } = answer
  await context.print({ state, recovery_codes_left }, () =>
    formatPairs([
      ['Second factor', state === 'pending' ? 'waits to be confirmed: sreg mfa confirm' : state],
      [
        'Recovery codes left',
        recovery_codes_left === undefined ? undefined : String(recovery_codes_left),
      ],
    ]),
  )
}

async function enroll(context: Context): Promise<void> {
  assertSecretsComing(context, 'your password')
  // A person types into a terminal only what the daemon is there to take.
  if (isInteractive(context)) await context.withRegistry('none', async () => {})
  await using dialog = new SecretDialog(context)
  const password = await dialog.next('Password')
  const { state, secret, uri } = await withHints(WRONG_PASSWORD, () =>
    ask(context, { op: 'begin', password }),
  )
  if (secret === undefined || uri === undefined) {
    throw new CliError('INTERNAL', 'the daemon gave no secret')
  }
  await context.print({ state, secret, uri }, () =>
    formatPairs([
      ['Secret', secret],
      ['Address', uri],
    ]),
  )
  if (!isInteractive(context) || context.json) {
    await context.note('it counts once a code has confirmed it; run: sreg mfa confirm')
    return
  }
  const { stdout } = context.io
  const code = stdout.isTTY === true ? await qrCode(uri, stdout.columns ?? 0) : undefined
  if (code !== undefined) await writeAll(stdout, `\n${code}\n\n`)
  const typed = codeOf(await dialog.next(CODE))
  const confirmed = await withHints(WRONG_CODE, () => ask(context, { op: 'confirm', code: typed }))
  await showCodes(context, confirmed)
}

async function byCode(
  context: Context,
  op: 'confirm' | 'recovery' | 'remove',
  question: string,
): Promise<void> {
  assertSecretsComing(context, question.toLowerCase())
  if (isInteractive(context)) await context.withRegistry('none', async () => {})
  await using dialog = new SecretDialog(context)
  const answer = await ask(context, { op, code: codeOf(await dialog.next(question)) })
  if (op === 'remove') await context.print({ state: answer.state }, () => '')
  else await showCodes(context, answer)
}

/** Authenticators show their codes in groups. */
function codeOf(typed: string): string {
  return typed.replace(/[ \t]/g, '')
}

async function showCodes(
  context: Context,
  { state, recovery_codes = [] }: MfaResponse,
): Promise<void> {
  if (recovery_codes.some(hasControl)) {
    throw new CliError('INTERNAL', 'the daemon gave no recovery codes')
  }
  await context.print({ state, recovery_codes }, () => recovery_codes.map(printable).join('\n'))
  await context.note(
    'the recovery codes are shown this once, and each opens the account once; keep them apart from the authenticator',
  )
}

async function reset(context: Context): Promise<void> {
  const { state } = await ask(context, { op: 'reset', user: context.operand(0) })
  await context.print({ state }, () => '')
}
