/** Codes of {@link AuditError}; part of the API. */
export type AuditErrorCode =
  /** The directory or a file in it is not what this package would have made. */
  | 'ERR_AUDIT_DIRECTORY'
  /** Lines could not be written; the file ends with the last whole line before them. */
  | 'ERR_AUDIT_APPEND'
  /** fdatasync failed; lines after `synced` are written but not known to be durable. */
  | 'ERR_AUDIT_SYNC'
  /** The log contradicts its own chain or the cursor. */
  | 'ERR_AUDIT_TAMPERED'
  /** The log is closed. */
  | 'ERR_AUDIT_CLOSED'

const BRAND = Symbol.for('@secreg/audit/AuditError')

/** Where in the log an error was found; members are absent where they do not apply. */
export interface AuditErrorDetail {
  /** Number of the line at fault. */
  readonly sequence?: number
  /** Number of the segment at fault. */
  readonly segment?: number
  readonly cause?: unknown
}

/** Every failure of this package that is not a wrong argument. Messages never hold a body. */
export class AuditError extends Error {
  override readonly name: string = 'AuditError'
  readonly code: AuditErrorCode
  readonly sequence: number | undefined
  readonly segment: number | undefined

  constructor(code: AuditErrorCode, message: string, detail: AuditErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
    this.sequence = detail.sequence
    this.segment = detail.segment
  }

  /** True for errors of this package, also of another installed copy. */
  static is(error: unknown): error is AuditError {
    return typeof error === 'object' && error !== null && BRAND in error
  }
}

/** The `code` of a system error such as `ENOSPC`, if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
