/** Requests that carry a text where it does not belong. */
import type { Payload } from './audit-requests.ts'

/** Longest payload that is changed; what is longer differs from shorter ones in nothing but its length. */
const MAX_CHARACTERS = 20_000
/** Elements of an array that are changed each. */
const ELEMENTS = 2

/**
 * A request with a text in the place of each member in turn: as it is, in an array, as name and value of an object, and
 * too long; and with a member more of that name and value.
 */
export function* withTextInside(payload: Payload, text: string): Generator<Payload> {
  if (JSON.stringify(payload).length > MAX_CHARACTERS) return
  yield { ...payload, [text]: text }
  yield* replaced(payload, text) as Generator<Payload>
}

function* replaced(value: unknown, text: string): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return
  for (const name of Object.keys(value).slice(0, Array.isArray(value) ? ELEMENTS : undefined)) {
    const inner = (value as Record<string, unknown>)[name]
    const others = [text, [text], { [text]: text }, `${text} `.repeat(100)]
    for (const other of [...others, ...replaced(inner, text)]) {
      yield Array.isArray(value) ? value.with(Number(name), other) : { ...value, [name]: other }
    }
  }
}
