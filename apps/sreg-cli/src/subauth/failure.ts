/** What went wrong, as an exit code, a text and what to do about it. */
import { SubauthError } from '@secreg/subauth'
import { UnixSocketError } from '@secreg/unix-socket'
import { asSecregError, CliError } from '../errors.ts'

/** The server has refused. */
export const REFUSED = 3
/** No server, or no reply. */
export const UNAVAILABLE = 6
/** The reply is none, or this program is at fault. */
const FAULT = 7

export interface Failure {
  readonly exitCode: number
  /** Stable word. */
  readonly reason: string
  readonly message: string
  readonly hint?: string
}

/**
 * Tell what an error means.
 *
 * @param socket - of the server, for the message
 */
export function failureOf(error: unknown, socket: string): Failure {
  if (!SubauthError.is(error)) {
    const { status: exitCode, reason, message } = asSecregError(error)
    const hint = error instanceof CliError ? error.hint : undefined
    return { exitCode, reason, message, ...(hint === undefined ? {} : { hint }) }
  }
  const { reason, message } = error
  switch (reason) {
    case 'REFUSED':
      return { exitCode: REFUSED, reason, message }
    case 'UNREACHABLE':
      return unreachable(error, socket)
    case 'CONNECTION_LOST':
    case 'TIMEOUT':
      return { exitCode: UNAVAILABLE, reason, message }
    default:
      return { exitCode: FAULT, reason, message }
  }
}

function unreachable({ reason, cause }: SubauthError, socket: string): Failure {
  const failure = { exitCode: UNAVAILABLE, reason }
  if (!UnixSocketError.is(cause)) {
    return { ...failure, message: `no connection to the server at ${socket}` }
  }
  if (cause.code === 'ERR_UNIX_SOCKET_UNAVAILABLE') return { ...failure, message: cause.message }
  const why = cause.systemCode ?? cause.code
  switch (why) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return {
        ...failure,
        message: `no server listens at ${socket}`,
        hint: 'give --socket=PATH if it listens elsewhere',
      }
    case 'EPROTOTYPE':
      return { ...failure, message: `what listens at ${socket} is no server of subauth` }
    default:
      return { ...failure, message: `the server at ${socket} cannot be reached (${why})` }
  }
}
