/** Errors of this package: rows that cannot be what was written. Everything a caller did wrong is a SecregError. */

/** Stable codes of this package. */
export type ZonesErrorCode =
  | 'ERR_ZONES_ACCOUNT_CORRUPT'
  | 'ERR_ZONES_INDEX_CORRUPT'
  | 'ERR_ZONES_ROW_CORRUPT'

const BRAND = Symbol.for('@secreg/zones/ZonesError')

/**
 * A stored row is not what this package writes. Nothing may be authorised from it.
 * The message names the row by its key and never holds its content.
 */
export class ZonesError extends Error {
  override name = 'ZonesError'
  readonly code: ZonesErrorCode

  constructor(code: ZonesErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown): value is ZonesError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}
