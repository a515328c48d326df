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

/** Whatever it is; it may not be absent. */
export const anything: Shape = (value, name) => (value === undefined ? name : undefined)

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

/** `null`, or what the shape says. */
export const nullable =
  (shape: Shape): Shape =>
  (value, name) =>
    value === null ? undefined : shape(value, name)

/** A whole number from 0 that is exact: a revision, a version, a count. */
export const count: Shape = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : name

/** An object with any member names, whose members all have one shape; a fault does not quote a name. */
export const record =
  (shape: Shape): Shape =>
  (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return name
    for (const item of Object.values(value)) {
      if (shape(item, name) !== undefined) return name
    }
    return undefined
  }

/** An object of the shape that its member `tag` names; an unknown name is a fault. */
export const tagged = (tag: string, shapes: Readonly<Record<string, Shape>>): Shape => {
  const named = anObject({ [tag]: text })
  return (value, name) => {
    const fault = named(value, name)
    if (fault !== undefined) return fault
    const kind = (value as Record<string, string>)[tag] as string
    return Object.hasOwn(shapes, kind) ? (shapes[kind] as Shape)(value, name) : tag
  }
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
