/** Members of an answer, by their kinds. */
import { isJsonObject, type JsonValue } from '../provider/json-value.ts'

/** An object of an answer. */
export type Members = { readonly [name: string]: JsonValue }

/** An answer is not what was asked for. It says nothing of it. */
export class Malformed extends Error {
  override readonly name: string = 'Malformed'
}

export function members(value: unknown): Members {
  if (!isJsonObject(value)) throw new Malformed()
  return value
}

/** A member of its own: an answer may not have what every object inherits. */
export function member(object: Members, name: string): JsonValue {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  if (value === undefined) throw new Malformed()
  return value
}

export function text(object: Members, name: string): string {
  const value = member(object, name)
  if (typeof value !== 'string') throw new Malformed()
  return value
}

export function flag(object: Members, name: string): boolean {
  const value = member(object, name)
  if (typeof value !== 'boolean') throw new Malformed()
  return value
}

/** A whole number of at least 0. */
export function count(object: Members, name: string): number {
  const value = member(object, name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Malformed()
  return value
}

export function numberOrNull(object: Members, name: string): number | null {
  return member(object, name) === null ? null : count(object, name)
}

export function word<const W extends string>(
  object: Members,
  name: string,
  words: readonly W[],
): W {
  const value = text(object, name)
  const known = words.find((one) => one === value)
  if (known === undefined) throw new Malformed()
  return known
}

export function list<T>(object: Members, name: string, item: (value: JsonValue) => T): T[] {
  const value = member(object, name)
  if (!Array.isArray(value)) throw new Malformed()
  return value.map(item)
}
