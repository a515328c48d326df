/** Reading of JSON documents that come from a disk: every member is known, present and canonical, or it is damage. */
import { decodeBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'

/** Read a member of a plain object that has exactly these members. */
export function readMembers<K extends string>(
  value: unknown,
  names: readonly K[],
): Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) damaged()
  const keys = Object.keys(value as object)
  if (keys.length !== names.length || !names.every((name) => keys.includes(name))) damaged()
  return value as Record<K, unknown>
}

/** Decode canonical base64 of `min` to `max` bytes. */
export function readBytes(value: unknown, min: number, max: number = min): Uint8Array {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined || bytes.length < min || bytes.length > max) damaged()
  return bytes as Uint8Array
}

/** Read an integer from `min` to `max`. */
export function readInteger(value: unknown, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) damaged()
  return value as number
}

/** Read text that matches a pattern. */
export function readText(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) damaged()
  return value as string
}

/** Refuse the document. */
export function damaged(): never {
  throw new CryptoError('ERR_CRYPTO_DAMAGED')
}
