/**
 * Packets as JSON objects, strictly (RFC 8259; specs: subauth §1.2, §5 question 14). White space around the object is
 * accepted. A parsed value no longer shows that a key was given twice, so the text is looked at as well.
 */
import { SubauthError } from '../errors.ts'
import { SUBAUTH_LIMITS } from './limits.ts'

/** A byte order mark stays, and is then no JSON. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Members of an object, by names that are its own. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Read the object that a packet is.
 *
 * @throws SubauthError `ERR_SUBAUTH_MALFORMED` when it is none or is nested deeper than 64,
 *   `ERR_SUBAUTH_DUPLICATE_KEY` when one of its objects has a key twice
 */
export function parseJsonObject(packet: Uint8Array): JsonObject {
  const { value, repeats } = parsed(packet)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SubauthError('MALFORMED')
  }
  if (repeats) throw new SubauthError('DUPLICATE_KEY')
  return value as JsonObject
}

function parsed(packet: Uint8Array): { value: unknown; repeats: boolean } {
  try {
    const text = decoder.decode(packet)
    const repeats = scan(text)
    return { value: JSON.parse(text) as unknown, repeats }
  } catch {
    // What the platform says of it quotes the text, which may hold a secret.
    throw new SubauthError('MALFORMED')
  }
}

/**
 * Whether an object of a text has a key twice. Of a text that is not JSON, the answer means nothing.
 *
 * @throws RangeError when it is nested too deep, before a parser meets it; SyntaxError for a key that is not well-formed
 */
function scan(text: string): boolean {
  /** Names of each object that is open, undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let repeats = false
  let isKey = false
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at)
        if (isKey) {
          const names = open.at(-1)
          const name = JSON.parse(text.slice(at, end + 1)) as string
          if (names?.has(name) === true) repeats = true
          names?.add(name)
        }
        isKey = false
        at = end
        break
      }
      case '{':
        open.push(new Set())
        isKey = true
        break
      case '[':
        open.push(undefined)
        isKey = false
        break
      case '}':
      case ']':
        open.pop()
        isKey = false
        break
      case ',':
        isKey = open.at(-1) !== undefined
    }
    if (open.length > SUBAUTH_LIMITS.depth) throw new RangeError('nested too deep')
  }
  return repeats
}

/** Place of the closing quote; the end of the text where there is none. */
function endOfString(text: string, opening: number): number {
  for (let at = opening + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}
