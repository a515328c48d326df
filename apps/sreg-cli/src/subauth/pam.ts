/**
 * `subauth --pam`: the program of pam_exec(8) with `expose_authtok`, which lets a service of the system take the passwords
 * and tokens of a zone. Of the environment, nothing but PAM_USER and PAM_TYPE is believed: a user may have set the rest.
 */
import { isAbsolute } from 'node:path'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import { type Io, writeAll } from '../io.ts'
import { assertRunByRoot, type PamLogin, readPamLogin } from '../pam-credentials.ts'
import { type Connect, DEFAULT_SUBAUTH_SOCKET } from './client.ts'
import type { CommandLine } from './command-line.ts'
import { failureOf, UNAVAILABLE } from './failure.ts'

/** PAM lets nobody in by it. */
const REFUSED = 1
/** A login program that waits would lock out those whom it knows by other means, milliseconds. */
const TIMEOUT_MS = 20_000

/**
 * Run it.
 *
 * @returns 0 when the server accepts what was typed, 1 when it does not or nothing could be accepted, 6 when nothing is
 *   known; whatever else happens ends with 1 or 6 too
 */
export async function runPam(io: Io, line: CommandLine, connect: Connect): Promise<number> {
  const given = line.options.get('socket')
  const socket = typeof given === 'string' ? given : DEFAULT_SUBAUTH_SOCKET
  try {
    assertRunByRoot(io)
    if (!isAbsolute(socket)) throw new CliError('INVALID_ARGUMENT', '--socket is not absolute')
    const zone = line.options.get('zone')
    if (typeof zone !== 'string') throw new TypeError('the zone is missing')
    await logIn(await readPamLogin(io), zone, () => connect(socket, TIMEOUT_MS))
    return 0
  } catch (thrown) {
    const { exitCode, reason, message } = failureOf(thrown, socket)
    const code = exitCode < UNAVAILABLE ? REFUSED : UNAVAILABLE
    // An output that nobody reads must not let anybody in.
    io.brokenPipeCode = code
    // What a login program shows of it is for anybody who tries.
    if (line.options.has('verbose')) {
      await writeAll(io.stderr, `subauth: ${printable(`${reason}: ${message}`)}\n`).catch(() => {})
    }
    return code
  }
}

async function logIn(
  { username, password }: PamLogin,
  zone: string,
  connect: () => ReturnType<Connect>,
): Promise<void> {
  const server = await connect()
  try {
    await server.login({ zone, login: username, passwd: password })
  } finally {
    void server.close()
  }
}
