/** Argument checks: wrong type → TypeError, wrong length or range → RangeError, without the offending bytes. */

const kind = (value: unknown): string => (value === null ? 'null' : typeof value)

/** Tell whether `value` is a Uint8Array, also one of another realm (an iframe, a `node:vm` context). */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]')
  )
}

/** Check that `value` is a Uint8Array, of exactly `length` bytes when given; returns it. */
export function assertBytes(value: unknown, name: string, length?: number): Uint8Array {
  if (!isBytes(value)) {
    throw new TypeError(`${name} must be a Uint8Array, got ${kind(value)}`)
  }
  if (length !== undefined && value.length !== length) {
    throw new RangeError(`${name} must be ${length} bytes long, got ${value.length}`)
  }
  return value
}

/** Check that `value` is an integer from `min` to `max`; returns it. */
export function assertInteger(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, got ${kind(value)}`)
  }
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, got ${value}`)
  }
  return value
}

/** Check that `value` is a string; returns it. */
export function assertText(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a string, got ${kind(value)}`)
  }
  return value
}

/** Check that `value` is a plain object (not null, not an array); returns it. */
export function assertObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, got ${kind(value)}`)
  }
  return value as Record<string, unknown>
}
