/** Errors of the command itself, and what to do about any error. */
import { type Reason, SecregError } from '@secreg/protocol'

/** An error with what to do next. */
export class CliError extends SecregError {
  override name = 'CliError'
  /** What to do next, one line. */
  readonly hint: string | undefined

  constructor(reason: Reason, message: string, hint?: string, options: { cause?: unknown } = {}) {
    super(reason, message, options)
    this.hint = hint
  }
}

const HINTS: Partial<Record<Reason, string>> = {
  ACCESS_DENIED: 'ask an administrator; "sreg whoami" shows who you are',
  ALREADY_INITIALIZED: 'log in, or move it aside with: sreg init --force',
  AUDIT_FAILED: 'see the log of secregd; it works again once the audit log can be written',
  AUTH_FAILED: 'check the name and the password',
  AUTH_MFA_REQUIRED: 'a second factor is needed to log in',
  AUTH_REQUIRED: 'run: sreg login NAME',
  BUSY: 'try again',
  NOT_A_LEAF: '--recursive deletes everything below it',
  OUTCOME_UNKNOWN: 'read the key to see whether it was changed',
  PASSPHRASE_WRONG: 'check the passphrase',
  PASSWORD_POLICY: 'choose another one',
  SEALED: 'run: sreg unlock',
  SESSION_INVALID: 'run: sreg login NAME',
  STORAGE_FULL: 'free space, then try again',
  STORAGE_KEY_NOT_FOUND: 'run: sreg list / --recursive',
  TIMEOUT: 'it may still be carried out; look before you try again',
  TOO_MANY_CONNECTIONS: 'try again',
  UNINITIALIZED: 'run: sreg init',
  UNLOCK_FAILED: 'check the passphrase; the registry stays sealed',
  UNREACHABLE: 'run: sreg status --socket PATH if it listens elsewhere',
  VERSION_CONFLICT: 'read the key again, then repeat',
}

/** What to do about an error, one line. */
export function hintOf(error: SecregError): string | undefined {
  if (error instanceof CliError && error.hint !== undefined) return error.hint
  if (error.retryAfterSeconds !== undefined) {
    return `try again in ${Math.ceil(error.retryAfterSeconds)} s`
  }
  const hint = HINTS[error.reason]
  // Some messages of the daemon say it themselves.
  return hint !== undefined && error.message.includes(hint) ? undefined : hint
}

const FILE_REASONS: Readonly<Record<string, readonly [Reason, string]>> = {
  ENOENT: ['NOT_FOUND', 'does not exist'],
  ENOTDIR: ['NOT_FOUND', 'does not exist'],
  EACCES: ['ACCESS_DENIED', 'is not permitted'],
  EPERM: ['ACCESS_DENIED', 'is not permitted'],
  EISDIR: ['INVALID_ARGUMENT', 'is a directory'],
  ELOOP: ['INVALID_ARGUMENT', 'is a symbolic link'],
  EEXIST: ['ALREADY_EXISTS', 'exists already'],
  ENOSPC: ['STORAGE_FULL', 'cannot be written: no space left'],
  EDQUOT: ['STORAGE_FULL', 'cannot be written: no space left'],
  EROFS: ['STORAGE_FAILED', 'cannot be written: read-only file system'],
}

/** The error of a file that could not be used. */
export function fileError(path: string, cause: unknown): CliError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const [reason, what] = FILE_REASONS[code ?? ''] ?? [
    'STORAGE_FAILED' as const,
    `cannot be used (${code ?? 'unknown'})`,
  ]
  return new CliError(reason, `${path} ${what}`, undefined, { cause })
}

/** Any thrown value as an error with a status; one that is not ours is a fault of this program. */
export function asSecregError(error: unknown): SecregError {
  if (SecregError.is(error)) return error
  if (error instanceof RangeError) {
    return new SecregError('INVALID_ARGUMENT', error.message, { cause: error })
  }
  return new SecregError('INTERNAL', error instanceof Error ? error.message : 'unknown error', {
    cause: error,
  })
}
