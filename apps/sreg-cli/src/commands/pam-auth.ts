/**
 * `sreg pam-auth`: the program of pam_exec(8) with `expose_authtok`, which lets users of the system log in with their
 * password of the registry. It gets the user in PAM_USER and the password, ended by a zero byte, on standard input; PAM
 * knows zero and anything else of its exit code. Of the environment nothing else is believed: a user may have set it.
 */
import { isAbsolute } from 'node:path'
import { connectRegistry, DEFAULT_SOCKET, type RegistryConnection } from '@secreg/client'
import type { WhoamiResponse } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { asSecregError, CliError } from '../errors.ts'
import { assertRunByRoot, type Credentials, readCredentials } from '../pam-credentials.ts'

const REFUSED = 1
/** A login program that waits would lock out those whom it knows by other means, milliseconds. */
const TIMEOUTS = Object.freeze({ connectTimeoutMs: 5000, timeoutMs: 20_000 })

export async function run(context: Context): Promise<number> {
  // An output that nobody reads must not let anybody in.
  context.io.brokenPipeCode = REFUSED
  try {
    await authenticate(context)
    return 0
  } catch (thrown) {
    const { reason, message } = asSecregError(thrown)
    // What a login program shows of it is for anybody who tries.
    if (context.verbose) await context.note(`${reason}: ${message}`)
    return REFUSED
  }
}

async function authenticate(context: Context): Promise<void> {
  // First of all, so that it shows.
  assertRunByRoot(context.io)
  // SECREG_SOCKET could lead to a daemon of the user's own, which would let him in.
  const socket = context.text('socket') ?? DEFAULT_SOCKET
  if (!isAbsolute(socket)) throw new CliError('INVALID_ARGUMENT', '--socket is not absolute')
  const credentials = await readCredentials(context.io, context.flag('otp-appended'))
  const registry = await connectRegistry({ socket, ...TIMEOUTS })
  try {
    await logIn(registry, credentials)
    try {
      assertAllowed(context, await registry.whoami(), credentials.username)
    } finally {
      // The session has served; one that cannot be ended ends by itself.
      await registry.logout().catch(() => {})
    }
  } finally {
    void registry.close()
  }
}

async function logIn(registry: RegistryConnection, credentials: Credentials): Promise<void> {
  const answer = await registry.auth(credentials)
  if (!answer.success || answer.session_id === undefined) {
    throw new CliError('AUTH_FAILED', answer.error?.message ?? 'the login was refused')
  }
}

/** Refuse whom the daemon takes for another, whom it lets do nothing yet, and who is not in what is asked for. */
function assertAllowed(context: Context, who: WhoamiResponse, username: string): void {
  if (who.user !== username) throw new CliError('AUTH_FAILED', 'the account has another name')
  if (who.restricted !== undefined) {
    throw new CliError('AUTH_FAILED', 'the account has to set up a second factor first')
  }
  assertMember('group', context.texts('group'), who.groups)
  assertMember('role', context.texts('role'), who.roles)
}

/** One of those that are named is enough. */
function assertMember(what: string, wanted: readonly string[], has: readonly string[]): void {
  if (wanted.length === 0 || wanted.some((name) => has.includes(name))) return
  throw new CliError('ACCESS_DENIED', `the user has no ${what} of those that are asked for`)
}
