/** Small pieces of the files beside a segment, which end with the SHA-256 of all before it. */
import { hash } from 'node:crypto'

/** Bytes of the digest at the end. */
export const SEAL_BYTES = 32

/** `bytes` with their SHA-256 behind them. */
export function seal(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, hash('sha256', bytes, 'buffer')])
}

/** The bytes that {@link seal} was given, as a view, or undefined if any was changed. */
export function unseal(sealed: Buffer): Buffer | undefined {
  if (sealed.length < SEAL_BYTES) return undefined
  const bytes = sealed.subarray(0, sealed.length - SEAL_BYTES)
  const expected = hash('sha256', bytes, 'buffer')
  return expected.equals(sealed.subarray(bytes.length)) ? bytes : undefined
}

/** Write an integer up to 2^53 − 1 as 8 bytes, big-endian. */
export function writeUint64(into: Buffer, value: number, at: number): void {
  into.writeBigUInt64BE(BigInt(value), at)
}

/** Read what {@link writeUint64} writes; undefined if it is too large. */
export function readUint64(from: Buffer, at: number): number | undefined {
  const value = from.readBigUInt64BE(at)
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value)
}
