/** `sreg login`: asks for the password, or takes the kernel's word, and for a second factor where there is one; keeps the session. */
import type { AuthResponse, RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { refusalOf } from '../login-refusal.ts'
import { SecretDialog } from '../secret-dialog.ts'
import { assertSecretsComing, isInteractive, terminalOf } from '../secrets.ts'
import { saveSession } from '../session-file.ts'

/** A login that was tried. */
interface Attempt {
  readonly answer: AuthResponse
  /** Whose session it is. */
  readonly user: string
}

/** Authenticators show their codes in groups. */
const BLANK = /[ \t]/g
const WRONG_TOKEN = 'check the token: it may be mistyped, revoked, used up or expired'
const WRONG_CODE = 'check the name, the password and the code; each code counts once'
const WRONG_KERNEL_CODE = 'check the code; each code counts once'
const UNMAPPED = 'an administrator maps it: sreg user uids NAME UID; else run: sreg login NAME'

export async function run(context: Context): Promise<undefined> {
  const { answer, user } = await way(context)(context)
  if (answer.session_id === undefined) throw new CliError('INTERNAL', 'the daemon gave no session')
  const { roles = [], expires_in, mfa_enrollment_required } = answer
  const restricted = mfa_enrollment_required === true ? { mfa_enrollment_required } : {}
  // The session id is a credential: it goes into the private file and nowhere else.
  await context.print({ success: true, user, roles, expires_in, ...restricted }, () => '')
  if (context.io.stderr.isTTY === true) {
    await context.note(`logged in as ${user}${roles.length > 0 ? ` (${roles.join(', ')})` : ''}`)
  }
  if (mfa_enrollment_required === true) {
    await context.note('you need a second factor before anything else; run: sreg mfa enroll')
  }
}

/** How to log in. @throws CliError `INVALID_ARGUMENT` when two ways are asked for */
function way(context: Context): (context: Context) => Promise<Attempt> {
  if (!context.flag('kernel')) return context.flag('token-stdin') ? byToken : byPassword
  if (context.flag('token-stdin')) {
    throw new CliError('INVALID_ARGUMENT', 'give one of --kernel and --token-stdin')
  }
  if (context.invocation.operands.length > 0) {
    throw new CliError('INVALID_ARGUMENT', '--kernel needs no name: the kernel tells who you are')
  }
  return byKernel
}

async function byKernel(context: Context): Promise<Attempt> {
  const first = await attempt(context, { kernel: true })
  if (first.answer.success || first.answer.mfa_required !== true) return accepted(first, UNMAPPED)
  assertSecretsComing(context, 'the code of your second factor')
  await using dialog = new SecretDialog(context)
  const otp = await codeFrom(dialog)
  return accepted(await attempt(context, { kernel: true, otp }), WRONG_KERNEL_CODE)
}

async function codeFrom(dialog: SecretDialog): Promise<string> {
  const typed = await dialog.next('Code of the authenticator, or a recovery code')
  return typed.replace(BLANK, '')
}

async function byToken(context: Context): Promise<Attempt> {
  if (context.invocation.operands.length > 0) {
    throw new CliError('INVALID_ARGUMENT', 'a token needs no name: it tells whose it is')
  }
  if (context.flag('password-stdin')) {
    throw new CliError('INVALID_ARGUMENT', 'give one of --token-stdin and --password-stdin')
  }
  assertSecretsComing(context, 'the token', 'token-stdin')
  await assertReachable(context)
  await using dialog = new SecretDialog(context)
  return accepted(await attempt(context, { token: await dialog.next('Token') }), WRONG_TOKEN)
}

async function byPassword(context: Context): Promise<Attempt> {
  const username = await nameOf(context)
  assertSecretsComing(context, 'the password, then a code where a second factor is needed')
  await assertReachable(context)
  await using dialog = new SecretDialog(context)
  const password = await dialog.next('Password')
  const first = await attempt(context, { username, password })
  if (first.answer.success || first.answer.mfa_required !== true) return accepted(first)
  const otp = await codeFrom(dialog)
  return accepted(await attempt(context, { username, password, otp }), WRONG_CODE)
}

/** @throws SecregError when the login was refused */
function accepted(tried: Attempt, hint?: string): Attempt {
  if (tried.answer.success) return tried
  throw refusalOf(tried.answer, hint)
}

async function nameOf(context: Context): Promise<string> {
  const [given] = context.invocation.operands
  if (given !== undefined) return given
  if (!isInteractive(context)) {
    throw new CliError('INVALID_ARGUMENT', 'whose login is missing', 'run: sreg help login')
  }
  const typed = await terminalOf(context).ask('Name: ', true)
  if (typed === '') throw new CliError('INVALID_ARGUMENT', 'nothing was typed')
  return typed
}

/** Nobody should type a secret before it turns out that there is no daemon. */
async function assertReachable(context: Context): Promise<void> {
  if (isInteractive(context)) await context.withRegistry('none', async () => {})
}

function attempt(context: Context, request: RequestOf<'auth'>): Promise<Attempt> {
  return context.withRegistry('none', async (registry) => {
    const answer = await registry.auth(request)
    const { success, session_id } = answer
    if (!success || session_id === undefined) return { answer, user: '' }
    try {
      const user = request.username ?? (await registry.whoami()).user
      saveSession(context.io.env, context.socket, { session_id, user })
      return { answer, user }
    } catch (error) {
      // A session that nobody holds must not stay open.
      await registry.logout().catch(() => {})
      throw error
    }
  })
}
