/** JSON Merge Patch (RFC 7396), and the structure of data without its values. */
import { isObject, type JsonObject, setMember } from './refusal.ts'

/** A new object; neither argument is changed. */
export function mergePatch(target: unknown, patch: JsonObject): JsonObject {
  const result: JsonObject = {}
  if (isObject(target)) {
    for (const [key, value] of Object.entries(target)) setMember(result, key, value)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (!isObject(value)) setMember(result, key, value)
    else setMember(result, key, mergePatch(Object.hasOwn(result, key) ? result[key] : {}, value))
  }
  return result
}

/**
 * Every value becomes `null`, objects that hold something aside.
 *
 * @param depth - levels that are shown; 0 = all
 */
export function subkeysOf(data: JsonObject, depth: number, level = 1): JsonObject {
  const result: JsonObject = {}
  for (const [key, value] of Object.entries(data)) {
    const deeper = isObject(value) && Object.keys(value).length > 0 && (depth <= 0 || level < depth)
    setMember(result, key, deeper ? subkeysOf(value, depth, level + 1) : null)
  }
  return result
}
