/** What pam_exec(8) hands over: the user in the environment, the password on standard input. */
import { LIMITS } from '@secreg/protocol'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'

/** Who logs in, with what he typed. */
export interface PamLogin {
  readonly username: string
  readonly password: string
}

/** A login as the daemon takes it. */
export interface Credentials extends PamLogin {
  readonly otp?: string
}

/** Longest password, bytes: PAM_MAX_RESP_SIZE of Linux-PAM, where pam_exec cuts. */
const MAX_PASSWORD_BYTES = 512
/** Service that the daemon itself asks by default, about users of the system: it would ask itself. */
const OWN_SERVICE = 'secreg'
/** A code of TOTP. */
const CODE = /[0-9]{6}$/

/**
 * Take the user and the password of a login at the registry, which may ask PAM itself.
 *
 * @param otpAppended - six digits at the end of what was typed are the second factor
 * @throws CliError `INVALID_ARGUMENT`, without a word of what was given
 */
export async function readCredentials(io: Io, otpAppended: boolean): Promise<Credentials> {
  if (io.env['PAM_SERVICE']?.toLowerCase() === OWN_SERVICE) {
    throw wrong(`the service ${OWN_SERVICE} is that which secregd asks: it would ask itself`)
  }
  const { username, password: typed } = await readPamLogin(io)
  const otp = otpAppended ? CODE.exec(typed)?.[0] : undefined
  if (otp === undefined) return { username, password: typed }
  const password = typed.slice(0, -otp.length)
  if (password === '') throw wrong('a code without a password')
  return { username, password, otp }
}

/**
 * Refuse to be run as anybody but root: the user who runs su(1) could make it end with 0 himself (ptrace(2)).
 *
 * @throws CliError `INVALID_ARGUMENT`
 */
export function assertRunByRoot(io: Io): void {
  if (io.uid() !== 0) throw wrong('it has to run as root: pam_exec needs seteuid')
}

/**
 * Take the user and the password.
 *
 * @throws CliError `INVALID_ARGUMENT`, without a word of what was given
 */
export async function readPamLogin(io: Io): Promise<PamLogin> {
  const { env } = io
  if (env['PAM_TYPE'] !== 'auth') throw wrong('PAM_TYPE is not auth: it is for auth lines alone')
  const username = env['PAM_USER'] ?? ''
  const bytes = Buffer.byteLength(username)
  // U+FFFD stands for bytes that were no text.
  if (bytes === 0 || bytes > LIMITS.loginBytes || /[\p{Cc}\ufffd]/u.test(username)) {
    throw wrong('PAM_USER is not the name of a user')
  }
  return { username, password: await readPassword(io) }
}

/** Text up to a zero byte, behind which nothing may come, or to the end of the input. */
async function readPassword({ stdin }: Io): Promise<string> {
  if (stdin.isTTY === true) throw wrong('standard input is a terminal: it is for pam_exec')
  const bytes = Buffer.alloc(MAX_PASSWORD_BYTES + 1)
  try {
    let size = 0
    for await (const chunk of stdin) {
      const more = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (size + more.length > bytes.length) throw tooLong()
      bytes.set(more, size)
      size += more.length
    }
    const end = bytes.subarray(0, size).indexOf(0)
    if (end !== -1 && end !== size - 1) throw wrong('the password holds a zero byte')
    if (end === -1 && size > MAX_PASSWORD_BYTES) throw tooLong()
    const text = textOf(bytes.subarray(0, end === -1 ? size : end))
    if (text === '') throw wrong('there is no password: pam_exec needs expose_authtok')
    return text
  } finally {
    bytes.fill(0)
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw wrong('the password is not UTF-8')
  }
}

const tooLong = (): CliError => wrong(`the password has more than ${MAX_PASSWORD_BYTES} bytes`)
const wrong = (message: string): CliError => new CliError('INVALID_ARGUMENT', message)
