/** Ids of 128 random bits. */
import type { CryptoBackend } from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'
import { toHex } from './hex.ts'

const ID = /^[0-9a-f]{32}$/

/** The random source that plans take. */
export type RandomSource = Pick<CryptoBackend, 'randomBytes'>

/** Tell whether a value is an id: 32 lower-case hexadecimal digits. */
export function isRandomId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** An id of 16 random bytes. */
export function randomId(crypto: RandomSource): string {
  return toHex(randomBytes(crypto, 16))
}

/** Random bytes, as many as were asked for. */
export function randomBytes(crypto: RandomSource, length: number): Uint8Array {
  const bytes = crypto.randomBytes(length)
  if (bytes.length !== length) throw new RangeError(`randomBytes: expected ${length} bytes`)
  return bytes
}

/** A random source that gave what there is already. Nothing is overwritten by it. */
export function repeatedRandom(what: string): SecregError {
  return new SecregError('INTERNAL', `the random source repeated ${what}`)
}
