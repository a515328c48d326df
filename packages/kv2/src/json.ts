/** JSON, as far as the client looks into it. */

/** Any JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** An object of JSON. A member may have any name, `__proto__` too: as an own property. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Most levels of an answer: what recurses over it must not run out of stack. */
const MAX_DEPTH = 1000

/** The object that bytes are JSON of; undefined when they are not UTF-8, not JSON, too deep, or another value. */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  if (isTooDeep(bytes)) return undefined
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/** Counts brackets outside of strings; of what is no JSON it tells nothing. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (quoted) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    else if (OPENING.has(byte)) {
      if (++depth > MAX_DEPTH) return true
    } else if (CLOSING.has(byte)) depth--
  }
  return false
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * JSON text of an object.
 *
 * @throws TypeError which quotes nothing of it: no object, or not JSON
 */
export function formatObject(value: unknown, argument: string): string {
  if (!isObject(value)) throw new TypeError(`${argument}: expected an object`)
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {}
  if (!text?.startsWith('{')) throw new TypeError(`${argument}: expected an object of JSON`)
  return text
}
