/** Fields of a request, typed as weakly as upstream types them. */
import { parseSeconds } from './go-duration.ts'
import { isObject, type JsonObject, Refusal } from './refusal.ts'

/** A whole number that Go's `int` holds. */
function toInteger(value: unknown): number | undefined {
  const number =
    typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)
      ? Number(value)
      : typeof value === 'boolean'
        ? Number(value)
        : value
  const fits = Number.isInteger(number) && Math.abs(number as number) < 2 ** 63
  return fits ? (number as number) : undefined
}

/** The fields of one request, from its body or its query. */
export class Fields {
  readonly #raw: JsonObject

  constructor(raw: JsonObject) {
    this.#raw = raw
  }

  get all(): JsonObject {
    return this.#raw
  }

  get names(): readonly string[] {
    return Object.keys(this.#raw)
  }

  raw(field: string): unknown {
    return Object.hasOwn(this.#raw, field) ? this.#raw[field] : undefined
  }

  has(field: string): boolean {
    return this.raw(field) !== undefined
  }

  /** Given, and not `null`, which counts as given to none but PATCH and maps. */
  #value(field: string): unknown {
    return this.raw(field) ?? undefined
  }

  integer(field: string): number | undefined {
    const value = this.#value(field)
    return value === undefined ? undefined : (toInteger(value) ?? refuse(field))
  }

  boolean(field: string): boolean | undefined {
    const value = this.#value(field)
    if (value === undefined || typeof value === 'boolean') return value
    if (typeof value === 'number') return value !== 0
    if (typeof value === 'string') return parseBoolean(value) ?? refuse(field)
    return refuse(field)
  }

  seconds(field: string): number | undefined {
    const value = this.#value(field)
    return value === undefined ? undefined : parseSeconds(value, field)
  }

  /** `null` when it is given as such. */
  map(field: string): JsonObject | null | undefined {
    const value = this.raw(field)
    if (value === undefined || value === null || isObject(value)) return value
    return refuse(field)
  }

  /** Numbers of versions: a list, one number, or text with commas. */
  versions(field: string): number[] {
    const value = this.#value(field)
    if (value === undefined) return []
    const list = Array.isArray(value)
      ? value
      : typeof value === 'string'
        ? value.split(',')
        : [value]
    return list.filter((item) => item !== '').map((item) => toInteger(item) ?? refuse(field))
  }
}

/** As Go's `strconv.ParseBool`. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined
}

function refuse(field: string): never {
  throw new Refusal(
    400,
    `Field validation failed: error converting input for field ${JSON.stringify(field)}`,
  )
}
