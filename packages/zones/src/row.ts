/**
 * What the codecs of rows share. A row is JSON in UTF-8 and has one spelling: it is read, written again and compared,
 * so that order, doubled and unknown members, escapes and spaces that we would not write are corrupt.
 */
import type { Op } from '@secreg/storage'
import { ZonesError } from './errors.ts'

/** Members of a parsed row. */
export type Members = Readonly<Record<string, unknown>>

/** A half-open range of keys, for the scans of whoever owns the rows. */
export interface RowSpace {
  readonly gte: string
  readonly lt: string
}

/** Every key below a prefix that ends with `/`; `0` follows `/` in ASCII. */
export function spaceBelow(prefix: string): RowSpace {
  return Object.freeze({ gte: prefix, lt: `${prefix.slice(0, -1)}0` })
}

/** Bytes of a row. Members that are undefined are left out. */
export function encodeRow(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** Members of a row, or undefined where it is no JSON object or list. */
export function parseRow(row: Uint8Array): Members | undefined {
  const text = decodeText(row)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Members) : undefined
  } catch {
    return undefined
  }
}

/**
 * Read a row of version 1.
 *
 * @param read gives undefined where a member is not what is written
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function decodeRow<T>(
  row: Uint8Array,
  key: string,
  read: (members: Members) => T | undefined,
  encode: (value: T) => Uint8Array,
): T {
  const members = parseRow(row)
  const value = members?.['v'] === 1 ? read(members) : undefined
  if (value === undefined || !equalBytes(encode(value), row)) throw corruptRow(key)
  return value
}

/** Text of UTF-8, or undefined. */
export function decodeText(row: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(row)
  } catch {
    return undefined
  }
}

/** Compare rows; not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** Milliseconds since 1970. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** A whole number from 1 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/** A list of which every item is one. */
export function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(is)
}

/** @throws RangeError */
export function checkTime(nowMs: number): number {
  if (!isTime(nowMs)) throw new RangeError('nowMs: expected milliseconds')
  return nowMs
}

export function putRow(key: string, value: Uint8Array): Op {
  return { type: 'put', key, value }
}

export function deleteRow(key: string): Op {
  return { type: 'delete', key }
}

/** A row that is not what this package writes. */
export function corruptRow(key: string): ZonesError {
  return new ZonesError('ERR_ZONES_ROW_CORRUPT', `row ${key} is not valid`)
}
