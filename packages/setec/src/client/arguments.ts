/** Checks of what callers give. */
import { encodeBase64 } from '@secreg/protocol'
import { MAX_VERSION } from '../api/secret.ts'

/** Check a name: any text that survives the wire. Lone surrogates do not, and would name another secret. */
export function checkName(name: string): string {
  if (typeof name !== 'string') throw new TypeError(`name: expected text, got ${typeof name}`)
  if (/\p{Surrogate}/u.test(name)) throw new RangeError('name: expected well-formed Unicode text')
  return name
}

/** Check the number of a version. */
export function checkVersion(version: number, least: 0 | 1): number {
  if (typeof version !== 'number') {
    throw new TypeError(`version: expected a number, got ${typeof version}`)
  }
  if (!Number.isInteger(version) || version < least || version > MAX_VERSION) {
    throw new RangeError(`version: expected an integer from ${least} to ${MAX_VERSION}`)
  }
  return version
}

/** The bytes of a value: a copy; of text, its UTF-8. */
export function valueBytes(value: Uint8Array | string): Uint8Array {
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value)) throw new RangeError('value: expected well-formed text')
    return new TextEncoder().encode(value)
  }
  if (Object.prototype.toString.call(value) !== '[object Uint8Array]') {
    throw new TypeError(`value: expected a Uint8Array or text, got ${typeof value}`)
  }
  return value.slice()
}

/** A value as it travels. */
export function encodeValue(value: Uint8Array | string): string {
  return encodeBase64(valueBytes(value))
}
