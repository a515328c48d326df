import { StorageError } from './errors.ts'

/** With the u flag, a surrogate that is half of a pair does not match. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * @throws TypeError when `key` is not a non-empty well-formed string
 * @throws StorageError ERR_STORAGE_LIMIT when it is longer than `maxKeyBytes`
 */
export function assertKey(key: unknown, maxKeyBytes: number): asserts key is string {
  if (typeof key !== 'string' || key.length === 0) {
    throw new TypeError(`key: expected a non-empty string, got ${typeof key}`)
  }
  // One UTF-16 unit is at most three bytes.
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
    throw new StorageError('ERR_STORAGE_LIMIT', `key is longer than ${maxKeyBytes} bytes`)
  }
  if (LONE_SURROGATE.test(key)) {
    throw new TypeError('key: expected well-formed Unicode, got a lone surrogate')
  }
}

/** A bound or seek target: like a key, but it may be empty and has no largest size. */
export function assertBound(bound: unknown, name: string): asserts bound is string {
  if (typeof bound !== 'string' || LONE_SURROGATE.test(bound)) {
    throw new TypeError(`${name}: expected a well-formed string`)
  }
}

/**
 * Order of the UTF-8 bytes of two well-formed strings, without encoding them: UTF-16 units
 * compare like code points, except that surrogates (D800 to DFFF) stand for code points above
 * U+FFFF and so sort after E000 to FFFF.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) return rotate(x) - rotate(y)
    return x - y
  }
  return a.length - b.length
}

function rotate(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}
