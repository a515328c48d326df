/** Errors of a text that is no policy document. Messages say what and where, and repeat nothing of the text. */

import type { TextPosition } from './text-position.ts'

/** Stable codes of {@link PolicyTextError}. */
export type PolicyTextErrorCode =
  /** Not in the grammar of the format. */
  | 'ERR_POLICY_TEXT_SYNTAX'
  /** A name is given twice. */
  | 'ERR_POLICY_TEXT_DUPLICATE'
  /** A name that no document may have: `__proto__`. */
  | 'ERR_POLICY_TEXT_NAME'
  /** What JSON cannot hold: a date, `inf`, `nan`, an integer that would be rounded, half a character. */
  | 'ERR_POLICY_TEXT_VALUE'
  /** Too long, or nested too deep. */
  | 'ERR_POLICY_TEXT_LIMIT'

const BRAND = Symbol.for('@secreg/policy-text/PolicyTextError')

/**
 * A text that was refused. `code`, `line` and `column` are stable, the message is not.
 *
 * @example
 * ```ts
 * try {
 *   parsePolicyText('id = "web"\nid = "db"\n', { format: 'toml' })
 * } catch (error) {
 *   if (PolicyTextError.is(error)) console.error(error.code, error.line, error.column)
 * }
 * ```
 */
export class PolicyTextError extends Error {
  override name = 'PolicyTextError'
  readonly code: PolicyTextErrorCode
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number

  /**
   * @param reason what is wrong, without anything of the text
   * @param source what to call the text, such as a file's name
   */
  constructor(code: PolicyTextErrorCode, reason: string, place: TextPosition, source?: string) {
    const where = source === undefined ? '' : `${source}:`
    super(`${where}${place.line}:${place.column}: ${reason}`)
    this.code = code
    this.line = place.line
    this.column = place.column
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown): value is PolicyTextError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

/** A mistake at an offset, before anybody has counted lines. */
export class TextFault extends Error {
  readonly code: PolicyTextErrorCode
  readonly reason: string
  /** In UTF-16 units from the start of the text. */
  readonly offset: number

  constructor(code: PolicyTextErrorCode, reason: string, offset: number) {
    super(reason)
    this.code = code
    this.reason = reason
    this.offset = offset
  }
}
