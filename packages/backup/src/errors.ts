/** The errors of this package. A code says what happened; messages carry no detail and no bytes. */

const MESSAGES = {
  ERR_BACKUP_FORMAT: 'this is not a backup of a secreg store',
  ERR_BACKUP_NEWER: 'the backup was written by a newer version',
  ERR_BACKUP_HEADER: 'the header of the backup is damaged',
  ERR_BACKUP_DAMAGED: 'the content of the backup is damaged',
  ERR_BACKUP_TRUNCATED: 'the backup ends early',
  ERR_BACKUP_TRAILING: 'something follows the end of the backup',
} as const

/** Stable codes of {@link BackupError}. */
export type BackupErrorCode = keyof typeof MESSAGES

const BRAND: symbol = Symbol.for('@secreg/backup/BackupError')

/** A backup that cannot be used. The message is fixed per code. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError'
  /** What happened; stable within a major version. */
  readonly code: BackupErrorCode

  constructor(code: BackupErrorCode, options?: ErrorOptions) {
    super(MESSAGES[code], options)
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/**
 * Tell whether a value is a {@link BackupError} of this or another installed copy of the package.
 *
 * @param code - when given, the code must be this one
 */
export function isBackupError(value: unknown, code?: BackupErrorCode): value is BackupError {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Record<symbol, unknown>)[BRAND] === true &&
    (code === undefined || (value as BackupError).code === code)
  )
}
