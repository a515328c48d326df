/** Bodies of requests as JSON, strictly (specs: secrets-api §2.1). */
import { readStrictJson } from '@secreg/protocol'
import { SecretsApiError } from '../errors.ts'
import type { JsonValue } from '../provider/json-value.ts'

/** Bounds of a body. */
export const BODY_LIMITS: { readonly bytes: number; readonly depth: number } = Object.freeze({
  bytes: 1_048_576,
  /** Objects and arrays within each other, the outermost included. */
  depth: 32,
})

/** Names that readers in other places take for more than names. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor'])

/** A JSON object. */
export type JsonBody = Readonly<Record<string, JsonValue>>

/**
 * Read the object that a body is.
 *
 * @param known - names that its members may have; those of objects within are free
 * @throws SecretsApiError `BODY_TOO_LARGE` above 1 MiB; `INVALID_REQUEST` when it is not an object in UTF-8, one of its
 *   objects has a name twice, a member is named `__proto__` or `constructor`, it is nested deeper than 32, or it has a
 *   text with half of a surrogate pair or a number that reading would change: above 2^53 − 1, infinite, or `-0`
 */
export function parseJsonBody(body: Uint8Array, known: readonly string[]): JsonBody {
  if (!(body instanceof Uint8Array)) throw new TypeError('body: expected bytes')
  if (body.length > BODY_LIMITS.bytes) throw new SecretsApiError('BODY_TOO_LARGE')
  const read = readStrictJson(body, BODY_LIMITS.depth)
  if (!read.ok || !isObject(read.value) || !isPlain(read.value)) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  for (const name of Object.keys(read.value)) {
    if (!known.includes(name)) throw new SecretsApiError('INVALID_REQUEST')
  }
  return read.value as JsonBody
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Tell whether a parsed value is what was sent, and has no forbidden name. Its depth is known to be bounded. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'string') return isWellFormed(value)
  if (typeof value === 'number') return isExact(value)
  if (Array.isArray(value)) return value.every(isPlain)
  if (!isObject(value)) return true
  return Object.entries(value).every(
    ([name, member]) => !FORBIDDEN_NAMES.has(name) && isWellFormed(name) && isPlain(member),
  )
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

const isExact = (value: number): boolean =>
  Number.isFinite(value) &&
  !Object.is(value, -0) &&
  (!Number.isInteger(value) || Number.isSafeInteger(value))
