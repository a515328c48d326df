/**
 * Objects of JSON by the texts of their members. The registry keeps JSON as it was given, so that what is not changed
 * goes back as it came: a number may have more digits than a number of this language can hold.
 */
import { isJsonObject, type JsonValue, type SecretMap } from '../provider/json-value.ts'

/** A member of an object. */
export interface JsonMember {
  /** As it stands there. */
  readonly text: string
  /** As it is told: a number that cannot be held exactly as the text of its digits. */
  readonly value: JsonValue
}

/** Most levels: what recurses over a value must not run out of stack. */
const MAX_DEPTH = 1000

/**
 * The members of an object by name; of a name that is given twice, the last.
 *
 * @param text - JSON
 * @returns undefined where the value is no object
 * @throws SyntaxError, RangeError which quote nothing: it is not JSON, or has too many levels
 */
export function readMembers(text: string): ReadonlyMap<string, JsonMember> | undefined {
  const texts = memberTexts(text)
  if (!isJsonObject(parseExactly(text))) return undefined
  return new Map(
    [...texts].map(([name, member]) => [name, { text: member, value: parseExactly(member) }]),
  )
}

/**
 * The text of an object.
 *
 * @param present - members whose texts stay where their values do
 */
export function formatMembers(
  data: SecretMap,
  present: ReadonlyMap<string, JsonMember> = new Map(),
): string {
  const members = [...data].map(([name, value]) => {
    const kept = present.get(name)
    const isKept = kept !== undefined && isSame(kept.value, value)
    return `${JSON.stringify(name)}:${isKept ? kept.text : JSON.stringify(value)}`
  })
  return `{${members.join(',')}}`
}

/** Texts of what stands on the first level, by name; of a text that is no object, it means nothing. */
function memberTexts(text: string): Map<string, string> {
  const members = new Map<string, string>()
  let [depth, start] = [0, -1]
  let name: string | undefined
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at)
        if (depth === 1 && name === undefined) name = parse(text.slice(at, end + 1)) as string
        at = end
        break
      }
      case ':':
        if (depth === 1) start = at + 1
        break
      case '{':
      case '[':
        if (++depth > MAX_DEPTH) throw new RangeError('too many levels')
        break
      case ',':
      case '}':
      case ']':
        if (depth === 1 && name !== undefined) {
          members.set(name, text.slice(start, at).trim())
          name = undefined
        }
        if (text[at] !== ',') depth--
    }
  }
  return members
}

/** Place of the closing quote; the end of the text where there is none. */
function endOfString(text: string, opening: number): number {
  for (let at = opening + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g

function parseExactly(text: string): JsonValue {
  const value = parse(text)
  if (!/\d/.test(text)) return value
  const exact = text.replace(TOKENS, (token) =>
    token.startsWith('"') || isHeldExactly(token) ? token : `"${token}"`,
  )
  return exact.length === text.length ? value : parse(exact)
}

/** What a parser says quotes the text. */
function parse(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyntaxError('not JSON')
  }
}

function isHeldExactly(token: string): boolean {
  const value = Number(token)
  if (!Number.isFinite(value) || Object.is(value, -0)) return false
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return false
  return digitsOf(token) === digitsOf(String(value))
}

/** A decimal number without the ways of writing it. */
function digitsOf(decimal: string): string {
  const [, sign = '', whole = '', part = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(decimal) ?? []
  const digits = `${whole}${part}`.replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  const exponent = Number(power) - part.length + (digits.length - kept.length)
  return kept === '' ? '0' : `${sign}${kept}e${exponent}`
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, at) => isSame(each, b[at] as JsonValue))
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) => Object.hasOwn(b, name) && isSame(a[name] as JsonValue, b[name] as JsonValue),
    )
  )
}
