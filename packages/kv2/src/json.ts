/** JSON, as far as the client looks into it. */

/** Any JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** An object of JSON. A member may have any name, `__proto__` too: as an own property. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The object that bytes are JSON of; undefined when they are not UTF-8, not JSON, or another value. */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
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
