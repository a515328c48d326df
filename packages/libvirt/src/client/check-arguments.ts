/** Arguments of the client half. What they mean is for the server to judge. */
import { USAGE_NUMBERS, type UsageType } from '../secret/types.ts'
import { parseUuid, UUID_BYTES, uuidOf } from '../secret/uuid.ts'
import { LIBVIRT_LIMITS } from '../wire/limits.ts'

/**
 * @param value - text in any form that libvirt takes, or 16 bytes
 * @returns the canonical form
 * @throws TypeError, RangeError
 */
export function checkUuid(name: string, value: unknown): string {
  if (value instanceof Uint8Array) {
    if (value.length === UUID_BYTES) return uuidOf(value)
    throw new RangeError(`${name}: expected ${UUID_BYTES} bytes, got ${value.length}`)
  }
  if (typeof value !== 'string') {
    throw new TypeError(`${name}: expected a string or Uint8Array, got ${typeOf(value)}`)
  }
  const uuid = parseUuid(value)
  if (uuid === undefined) throw new RangeError(`${name}: expected 32 hexadecimal digits, got other`)
  return uuid
}

/** @throws TypeError, RangeError */
export function checkUsageType(value: unknown): UsageType {
  checkString('type', value)
  if (!Object.hasOwn(USAGE_NUMBERS, value)) {
    throw new RangeError(`type: expected ${Object.keys(USAGE_NUMBERS).join(', ')}, got another`)
  }
  return value as UsageType
}

/** @throws TypeError, RangeError that do not show the value */
export function checkValue(value: unknown): void {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`value: expected a Uint8Array, got ${typeOf(value)}`)
  }
  if (value.length < 1 || value.length > LIBVIRT_LIMITS.valueBytes) {
    throw new RangeError(
      `value: expected 1 to ${LIBVIRT_LIMITS.valueBytes} bytes, got ${value.length}`,
    )
  }
}

/** @throws TypeError */
export function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') {
    throw new TypeError(`${name}: expected a string, got ${typeOf(value)}`)
  }
}

/** @throws TypeError */
export function checkObject(name: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name}: expected an object, got ${typeOf(value)}`)
  }
}

/** @throws TypeError unless it is a boolean or absent */
export function checkFlag(name: string, value: unknown): asserts value is boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new TypeError(`${name}: expected a boolean, got ${typeOf(value)}`)
  }
}

/** @throws TypeError */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new TypeError(`${name}: expected a function, got ${typeOf(value)}`)
  }
}

/** @throws TypeError, RangeError that name the argument */
export function checkInteger(
  name: string,
  value: unknown,
  least: number,
  most: number,
): asserts value is number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name}: expected a number, got ${typeOf(value)}`)
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name}: expected an integer from ${least} to ${most}, got ${value}`)
  }
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
