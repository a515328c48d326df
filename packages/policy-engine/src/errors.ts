/** Errors of a policy that cannot be compiled. A decision never throws one: it answers deny. */

/** Stable codes of {@link PolicyError}. */
export type PolicyErrorCode =
  /** A member has the wrong JSON type, is missing, or is not known. */
  | 'ERR_POLICY_SHAPE'
  /** An id of a document or rule is not an id, or is used twice. */
  | 'ERR_POLICY_ID'
  /** A principal is neither `kind:name` nor `*`. */
  | 'ERR_POLICY_PRINCIPAL'
  /** An action is not one of `ACTIONS`. */
  | 'ERR_POLICY_ACTION'
  /** A resource pattern is not one. */
  | 'ERR_POLICY_PATTERN'
  /** A condition is unknown, empty, or has a bad operand. */
  | 'ERR_POLICY_CONDITION'
  /** An obligation is unknown, empty, out of range, or hangs on a deny. */
  | 'ERR_POLICY_OBLIGATION'

/** Where in the given documents something is wrong. */
export interface PolicyErrorPlace {
  /** Position of the document in the list given to `compile`. */
  readonly documentIndex: number
  /** Id of the document, once it is known to be one. */
  readonly document?: string
  /** Id of the rule, once it is known to be one. */
  readonly rule?: string
  /** JSON Pointer (RFC 6901) inside the document; `''` is the document itself. */
  readonly pointer: string
}

const BRAND = Symbol.for('@secreg/policy-engine/PolicyError')

/**
 * A policy document that was refused. `code` and the place are stable, the message is not.
 *
 * @example
 * ```ts
 * try {
 *   compile([{ id: 'web', rules: 'none' }])
 * } catch (error) {
 *   if (PolicyError.is(error)) console.error(error.code, error.document, error.pointer)
 * }
 * ```
 */
export class PolicyError extends Error {
  override name = 'PolicyError'
  readonly code: PolicyErrorCode
  readonly documentIndex: number
  readonly document: string | undefined
  readonly rule: string | undefined
  /** JSON Pointer (RFC 6901) inside the document. */
  readonly pointer: string

  constructor(
    code: PolicyErrorCode,
    message: string,
    place: PolicyErrorPlace,
    options?: ErrorOptions,
  ) {
    super(`${describe(place)}: ${message}`, options)
    this.code = code
    this.documentIndex = place.documentIndex
    this.document = place.document
    this.rule = place.rule
    this.pointer = place.pointer
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown): value is PolicyError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

function describe(place: PolicyErrorPlace): string {
  const document =
    place.document === undefined
      ? `policy at index ${place.documentIndex}`
      : `policy "${place.document}"`
  const rule = place.rule === undefined ? '' : `, rule "${place.rule}"`
  return `${document}${rule}${place.pointer === '' ? '' : `, ${place.pointer}`}`
}
