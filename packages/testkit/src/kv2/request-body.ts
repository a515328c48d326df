/** Bodies of requests: JSON within limits, or a form. */
import { isObject, type JsonObject, Refusal } from './refusal.ts'

/** Most strings of a body, keys and values together (upstream's default). */
const MAX_STRINGS = 1000
const MAX_DEPTH = 500
const MAX_NUMBER_DIGITS = 10_000
/** Longest string: what a raft entry holds. */
const MAX_STRING_BYTES = 1024 * 1024

/** @throws Refusal 400 */
export function parseBody(text: string, contentType: string | undefined): JsonObject {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === 'null') return {}
  if (contentType === 'application/x-www-form-urlencoded' && !trimmed.startsWith('{')) {
    return Object.fromEntries(new URLSearchParams(trimmed))
  }
  checkComplexity(trimmed)
  let value: unknown
  try {
    value = JSON.parse(trimmed)
  } catch {
    throw undecodable()
  }
  if (!isObject(value)) throw undecodable()
  return value
}

/** Walk the tokens once: JSON.parse neither counts nor sees that a name comes twice. */
function checkComplexity(text: string): void {
  const tokens = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"(\s*:)?|[[\]{}]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
  const names: (Set<string> | undefined)[] = []
  let strings = 0
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      names.push(token === '{' ? new Set() : undefined)
      if (names.length > MAX_DEPTH) throw tooComplex()
    } else if (token === '}' || token === ']') {
      names.pop()
    } else if (token.startsWith('"')) {
      if (++strings > MAX_STRINGS) throw tooComplex()
      if (token.length > MAX_STRING_BYTES) throw new Refusal(400, 'a value is too large')
      if (colon !== undefined) checkName(token, names.at(-1))
    } else if (token.length > MAX_NUMBER_DIGITS) throw tooComplex()
  }
}

function checkName(token: string, names: Set<string> | undefined): void {
  let name: string
  try {
    name = JSON.parse(token.replace(/\s*:$/, '')) as string
  } catch {
    throw undecodable()
  }
  if (names?.has(name)) throw new Refusal(400, 'failed to decode JSON input: a name comes twice')
  names?.add(name)
}

function undecodable(): Refusal {
  return new Refusal(400, 'failed to decode JSON input')
}

function tooComplex(): Refusal {
  return new Refusal(400, 'failed to decode JSON input: high complexity')
}
