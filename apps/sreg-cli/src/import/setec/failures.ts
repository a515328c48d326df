/** What is wrong with one secret only, so that the others go on, and what ends an import. */
import { type Reason, SecregError } from '@secreg/protocol'
import { SetecError } from '@secreg/setec'
import { CliError } from '../../errors.ts'

/** Why a secret, or some of its versions, are not imported. */
export interface Problem {
  readonly reason: Reason
  readonly message: string
  /** Versions that it is about; none: the secret. */
  readonly versions: readonly number[]
}

/** Reasons of the registry that are about one entry. */
const OF_ONE: Readonly<Partial<Record<Reason, string>>> = {
  ACCESS_DENIED: 'access is denied here',
  CRYPTO_FAILED: 'its value here cannot be decrypted',
  ENTRY_DELETED: 'it was deleted here; "sreg undelete" brings it back',
  INVALID_ARGUMENT: 'the registry does not take it',
  PATH_INVALID: 'its name is too long for a path',
  VALUE_TOO_LARGE: 'its value is too large',
  VERSION_DELETED: 'its version was deleted here; "sreg undelete" brings it back',
  VERSION_DESTROYED: 'its version was destroyed here',
  VERSION_NOT_FOUND: 'its version is gone here',
}

/** Whether what was asked for is not at the server any more. */
export function isGoneThere(error: unknown): boolean {
  return SetecError.is(error, 'ERR_SETEC_NOT_FOUND')
}

/**
 * What an error says about one secret.
 *
 * @throws the error itself when it is not about one secret
 */
export function problemOf(error: unknown, versions: readonly number[] = []): Problem {
  if (SetecError.is(error, 'ERR_SETEC_ACCESS_DENIED')) {
    return { reason: 'ACCESS_DENIED', message: 'the server denies access to it', versions }
  }
  if (SetecError.is(error, 'ERR_SETEC_ANSWER') || SetecError.is(error, 'ERR_SETEC_STATUS')) {
    return { reason: 'VALUE_INVALID', message: `the server fails: ${error.message}`, versions }
  }
  const message = SecregError.is(error) ? OF_ONE[error.reason] : undefined
  if (!SecregError.is(error) || message === undefined) throw error
  return { reason: error.reason, message, versions }
}

/**
 * An error of the server as one of the command; any other as it is.
 *
 * @param host - name of the server
 */
export function asServerError(error: unknown, host: string): unknown {
  if (!SetecError.is(error)) return error
  const [reason, message, hint] = describe(error, host)
  return new CliError(reason, message, hint, { cause: error })
}

const CHECK = 'check the address; the import reads a setec server, or a gateway of a registry'

function describe(error: SetecError, host: string): readonly [Reason, string, string] {
  switch (error.code) {
    case 'ERR_SETEC_UNIDENTIFIED':
      return [
        'AUTH_FAILED',
        `${host} does not know who asks`,
        'give - and write the address with a token to standard input: https://TOKEN@HOST',
      ]
    case 'ERR_SETEC_ACCESS_DENIED':
      return ['ACCESS_DENIED', `${host} denies access`, CHECK]
    case 'ERR_SETEC_TOO_MANY_REQUESTS':
    case 'ERR_SETEC_UNAVAILABLE':
      return [
        'BUSY',
        `${host} is not available now`,
        `try again in ${error.retryAfterSeconds ?? 10} s`,
      ]
    case 'ERR_SETEC_TRANSPORT':
      return ['UNREACHABLE', `${host} cannot be reached${codeOf(error.cause)}`, CHECK]
    case 'ERR_SETEC_TIMEOUT':
      return ['TIMEOUT', `${host} does not answer in time`, 'see whether it is well']
    default:
      return ['INVALID_ARGUMENT', `${host} is no usable setec server: ${error.message}`, CHECK]
  }
}

/** The system's word for a connection that failed, which the platform's `fetch` wraps. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException
    if (typeof code === 'string' && /^[A-Z][A-Z_]+$/.test(code)) return ` (${code})`
  }
  return ''
}
