/** What a key of a secret can hold. */

/** A JSON value. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** The values of a secret, by key. */
export type SecretMap = ReadonlyMap<string, JsonValue>

/** Tell whether a value is an object with members. */
export function isJsonObject(value: unknown): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members of an object, its own only. */
export function secretMapOf(object: { readonly [name: string]: JsonValue }): SecretMap {
  return new Map(Object.entries(object))
}

/** A fresh object; a key `__proto__` is one of its own. */
export function objectOfSecretMap(map: SecretMap): { readonly [name: string]: JsonValue } {
  return Object.fromEntries(map)
}
