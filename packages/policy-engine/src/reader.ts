/** Strict reading of parsed JSON, with the place of every mistake. Only own members count. */

import { PolicyError, type PolicyErrorCode } from './errors.ts'

/** Longest piece of a document that a message repeats. */
const MAX_QUOTED = 60

/** What is known of the place of a value besides the way to it. */
interface Ids {
  readonly documentIndex: number
  readonly document?: string
  readonly rule?: string
}

/** A value at its place in a document. What is wrong is thrown as {@link PolicyError}. */
export class Reader {
  readonly value: unknown
  readonly #ids: Ids
  readonly #parent: Reader | undefined
  readonly #key: string | number

  constructor(value: unknown, ids: Ids, parent?: Reader, key: string | number = '') {
    this.value = value
    this.#ids = ids
    this.#parent = parent
    this.#key = key
  }

  /** What to throw to refuse what stands here. */
  error(code: PolicyErrorCode, message: string, cause?: unknown): PolicyError {
    const place = { ...this.#ids, pointer: this.#pointer() }
    return new PolicyError(code, message, place, cause === undefined ? undefined : { cause })
  }

  /** The same place, with an id that later messages name. */
  named(ids: { readonly document?: string; readonly rule?: string }): Reader {
    return new Reader(this.value, { ...this.#ids, ...ids }, this.#parent, this.#key)
  }

  /** Check that an object stands here, with no members but these if they are given. */
  object(members?: ReadonlySet<string>, code: PolicyErrorCode = 'ERR_POLICY_SHAPE'): this {
    if (!isPlainObject(this.value)) {
      throw this.error(code, `expected an object, got ${kindOf(this.value)}`)
    }
    if (members === undefined) return this
    for (const key of Object.keys(this.value)) {
      if (!members.has(key)) {
        throw this.#at(key, undefined).error(
          code,
          `unknown member ${quote(key)}; known are ${[...members].join(', ')}`,
        )
      }
    }
    return this
  }

  /** A required member of the object here. */
  member(key: string): Reader {
    const member = this.optional(key)
    if (member === undefined) {
      throw this.error('ERR_POLICY_SHAPE', `member "${key}" is missing`)
    }
    return member
  }

  /** A member of the object here, or `undefined` if it has none of this name. */
  optional(key: string): Reader | undefined {
    const object = this.value as Readonly<Record<string, unknown>>
    return Object.hasOwn(object, key) ? this.#at(key, object[key]) : undefined
  }

  /** Members of an object with free keys. */
  entries(code: PolicyErrorCode): [string, Reader][] {
    if (!isPlainObject(this.value)) {
      throw this.error(code, `expected an object, got ${kindOf(this.value)}`)
    }
    return Object.entries(this.value).map(([key, value]) => [key, this.#at(key, value)])
  }

  /** Items of the array here. */
  items(options: { readonly min: number }, code: PolicyErrorCode = 'ERR_POLICY_SHAPE'): Reader[] {
    const value: unknown = this.value
    if (!Array.isArray(value)) throw this.error(code, `expected an array, got ${kindOf(value)}`)
    if (value.length < options.min) throw this.error(code, 'must not be empty')
    const items: Reader[] = []
    for (let index = 0; index < value.length; index++) items.push(this.#at(index, value[index]))
    return items
  }

  /** The text here. */
  text(code: PolicyErrorCode = 'ERR_POLICY_SHAPE'): string {
    if (typeof this.value !== 'string') {
      throw this.error(code, `expected a string, got ${kindOf(this.value)}`)
    }
    return this.value
  }

  #at(key: string | number, value: unknown): Reader {
    return new Reader(value, this.#ids, this, key)
  }

  /** JSON Pointer from the document to here (RFC 6901 §3). */
  #pointer(): string {
    if (this.#parent === undefined) return ''
    const token = String(this.#key).replaceAll('~', '~0').replaceAll('/', '~1')
    return `${this.#parent.#pointer()}/${token}`
  }
}

/** A piece of a document as it appears in a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Another realm's Object.prototype also has no prototype of its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
