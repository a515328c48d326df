/** Checks of an answer's members: enough that no answer, however wrong, makes a program fail with a TypeError. */

/** Name of the first member that is not as expected, or `undefined` when all are. */
export type Shape = (value: unknown, name: string) => string | undefined

const typed =
  (type: 'string' | 'boolean'): Shape =>
  (value, name) =>
    typeof value === type ? undefined : name

/** Any text. */
export const text: Shape = typed('string')

/** `true` or `false`. */
export const boolean: Shape = typed('boolean')

/** A finite number. */
export const number: Shape = (value, name) => (Number.isFinite(value) ? undefined : name)

/** `true` only. */
export const literalTrue: Shape = (value, name) => (value === true ? undefined : name)

/** Any text, or `null`; an absent member is the same as `null`. */
export const nullableText: Shape = (value, name) =>
  value === null || value === undefined || typeof value === 'string' ? undefined : name

/** May be absent. */
export const optional =
  (shape: Shape): Shape =>
  (value, name) =>
    value === undefined ? undefined : shape(value, name)

/** An array whose elements all have one shape. */
export const array =
  (shape: Shape): Shape =>
  (value, name) => {
    if (!Array.isArray(value)) return name
    for (const item of value) {
      const fault = shape(item, name)
      if (fault !== undefined) return fault
    }
    return undefined
  }

/** An object with these members; others are left as they are. */
export function anObject(members: Readonly<Record<string, Shape>>): Shape {
  const rows = Object.entries(members)
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return name
    for (const [member, shape] of rows) {
      const own = Object.hasOwn(value, member)
        ? (value as Record<string, unknown>)[member]
        : undefined
      const fault = shape(own, member)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}
