/** What ends a request of the stand-in with a status and texts. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
  readonly status: number
  readonly errors: readonly string[]

  constructor(status: number, ...errors: readonly string[]) {
    super(`status ${status}`)
    this.status = status
    this.errors = errors
  }
}

/** What an operation answers. */
export interface Reply {
  readonly status: number
  /** Member `data` of the envelope. Absent with status 204 or 404: no envelope. */
  readonly data?: unknown
  readonly auth?: unknown
  readonly warnings?: readonly string[]
  /** No body at all, although the status would have one. */
  readonly empty?: true
}

export const DONE: Reply = Object.freeze({ status: 204 })
/** A plain "not there": `{"errors":[]}`. */
export const ABSENT: Reply = Object.freeze({ status: 404 })
/** A "not there" of PATCH, whose body is empty. */
export const ABSENT_EMPTY: Reply = Object.freeze({ status: 404, empty: true })

export type JsonObject = { [key: string]: unknown }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Set a member, also one that is named `__proto__`. */
export function setMember(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}
