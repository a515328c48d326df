/** Errors of the command itself, and what to do about any error. */
import { type Reason, SecregError } from '@secreg/protocol'

/** Optional parts of an error of the command. */
export interface CliErrorOptions {
  readonly cause?: unknown
  readonly retryAfterSeconds?: number
  /** What another API calls it, which `--json` tells in place of the reason. */
  readonly apiCode?: string
  /** Exit code in place of the status, where the rules of shells hold. */
  readonly exitCode?: number
}

/** An error with what to do next. */
export class CliError extends SecregError {
  override name = 'CliError'
  /** What to do next, one line. */
  readonly hint: string | undefined
  readonly apiCode: string | undefined
  readonly exitCode: number | undefined

  constructor(reason: Reason, message: string, hint?: string, options: CliErrorOptions = {}) {
    super(reason, message, options)
    this.hint = hint
    this.apiCode = options.apiCode
    this.exitCode = options.exitCode
  }
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
