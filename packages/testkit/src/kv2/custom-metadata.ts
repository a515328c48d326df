/** Rules of `custom_metadata`. */
import { type JsonObject, Refusal } from './refusal.ts'

const MAX_KEYS = 64
const MAX_KEY_BYTES = 128
const MAX_VALUE_BYTES = 512
const PREFIX = 'custom_metadata validation failed'
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u

/**
 * Values become text as weakly as upstream has it.
 *
 * @throws Refusal 400
 */
export function parseCustomMetadata(raw: JsonObject): Map<string, string> {
  const result = new Map<string, string>()
  for (const [key, value] of Object.entries(raw)) result.set(key, textOf(value))
  checkCustomMetadata(result)
  return result
}

/** What a merge patch makes of it; values are text, or `null` to remove one. */
export function patchCustomMetadata(
  before: ReadonlyMap<string, string> | undefined,
  patch: JsonObject,
): Map<string, string> {
  const result = new Map(before)
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else if (typeof value === 'string') result.set(key, value)
    else throw new Refusal(400, `${PREFIX}: a value is not text`)
  }
  checkCustomMetadata(result)
  return result
}

function checkCustomMetadata(map: ReadonlyMap<string, string>): void {
  if (map.size > MAX_KEYS) throw new Refusal(400, `${PREFIX}: at most ${MAX_KEYS} keys`)
  const fits = (text: string, most: number): boolean =>
    text !== '' && Buffer.byteLength(text) <= most && !UNPRINTABLE.test(text)
  for (const [key, value] of map) {
    if (!fits(key, MAX_KEY_BYTES)) throw new Refusal(400, `${PREFIX}: a key`)
    if (!fits(value, MAX_VALUE_BYTES)) throw new Refusal(400, `${PREFIX}: a value`)
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number') return String(value)
  if (value === null) return ''
  throw new Refusal(400, `${PREFIX}: a value is not text`)
}
