/**
 * A sealed value, bound to the place that it belongs to (DESIGN §6).
 *
 * Blob, offsets in bytes, integers big-endian:
 *
 *      0       1 format, 0x01
 *      1       4 epoch
 *      5      24 nonce, random
 *     29       n ciphertext of n bytes
 *   29+n      16 tag
 *
 * Associated data: each field after its length in 4 bytes.
 *
 *      0   4+1   format
 *      5   4+16  entry id
 *     25   4+8   version
 *     37   4+t   type, t printable ASCII characters
 *   41+t   4+4   epoch
 */
import { assertBytes, assertText } from './assert.ts'
import { type CryptoBackend, NONCE_BYTES, TAG_BYTES } from './backend.ts'
import { CryptoError } from './errors.ts'

/** First byte of a sealed value. */
export const VALUE_FORMAT = 0x01
/** Bytes that a sealed value is longer than its plaintext. */
export const VALUE_OVERHEAD_BYTES: number = 1 + 4 + NONCE_BYTES + TAG_BYTES
/** Length of an entry id in bytes. */
export const ENTRY_ID_BYTES = 16
/** Longest type name in characters. */
export const TYPE_MAX_LENGTH = 64

const HEAD_BYTES = 1 + 4 + NONCE_BYTES
const UINT32 = 2 ** 32
const UINT64_MAX = 2n ** 64n - 1n

/** Where a sealed value belongs. A value moved anywhere else does not open. */
export interface ValueBinding {
  /** Random id of the entry's life, 16 bytes. */
  readonly entryId: Uint8Array
  /** Version number, 0 to 2^64−1. */
  readonly version: number | bigint
  /** Type of the value, 1 to 64 printable ASCII characters. */
  readonly type: string
}

/** Encode the associated data of a value. */
export function encodeValueAad(binding: ValueBinding, epoch: number): Uint8Array {
  const entryId = assertBytes(binding.entryId, 'entryId', ENTRY_ID_BYTES)
  const type = assertText(binding.type, 'type')
  const length = type.length
  if (length < 1 || length > TYPE_MAX_LENGTH) {
    throw new RangeError(`type must be 1 to ${TYPE_MAX_LENGTH} characters long, got ${length}`)
  }
  const out = new Uint8Array(49 + length)
  out[3] = 1
  out[4] = VALUE_FORMAT
  out[8] = ENTRY_ID_BYTES
  out.set(entryId, 9)
  out[28] = 8
  writeVersion(out, 29, binding.version)
  out[40] = length
  for (let i = 0; i < length; i++) {
    const code = type.charCodeAt(i)
    if (code < 0x21 || code > 0x7e) {
      throw new RangeError('type must consist of printable ASCII characters')
    }
    out[41 + i] = code
  }
  out[44 + length] = 4
  writeUint32(out, 45 + length, epoch)
  return out
}

/** Seal a value under the data key of an epoch with a fresh random nonce. */
export function sealValue(
  backend: CryptoBackend,
  key: Uint8Array,
  epoch: number,
  binding: ValueBinding,
  plaintext: Uint8Array,
): Uint8Array {
  const aad = encodeValueAad(binding, epoch)
  const nonce = backend.randomBytes(NONCE_BYTES)
  const sealed = backend.xchachaSeal(key, nonce, aad, plaintext)
  const blob = new Uint8Array(HEAD_BYTES + sealed.length)
  blob[0] = VALUE_FORMAT
  writeUint32(blob, 1, epoch)
  blob.set(nonce, 5)
  blob.set(sealed, HEAD_BYTES)
  return blob
}

/**
 * Read the epoch of a sealed value without opening it, for example to find values of an old epoch.
 *
 * The number is not authenticated before the value is opened.
 *
 * @throws CryptoError `ERR_CRYPTO_OPEN` when this is no sealed value
 */
export function readValueEpoch(blob: Uint8Array): number {
  assertBytes(blob, 'blob')
  if (blob.length < VALUE_OVERHEAD_BYTES || blob[0] !== VALUE_FORMAT) {
    throw new CryptoError('ERR_CRYPTO_OPEN')
  }
  return (
    (((blob[1] as number) << 24) |
      ((blob[2] as number) << 16) |
      ((blob[3] as number) << 8) |
      (blob[4] as number)) >>>
    0
  )
}

/** Open a sealed value under the data key of the epoch that {@link readValueEpoch} names. */
export function openValue(
  backend: CryptoBackend,
  key: Uint8Array,
  epoch: number,
  binding: ValueBinding,
  blob: Uint8Array,
): Uint8Array {
  return backend.xchachaOpen(
    key,
    blob.subarray(5, HEAD_BYTES),
    encodeValueAad(binding, epoch),
    blob.subarray(HEAD_BYTES),
  )
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

function writeVersion(out: Uint8Array, at: number, version: number | bigint): void {
  if (typeof version === 'number') {
    if (!Number.isSafeInteger(version) || version < 0) {
      throw new RangeError('version must be a non-negative safe integer')
    }
    writeUint32(out, at, Math.floor(version / UINT32))
    writeUint32(out, at + 4, version % UINT32)
  } else if (typeof version === 'bigint') {
    if (version < 0n || version > UINT64_MAX) {
      throw new RangeError('version must be from 0 to 2^64-1')
    }
    writeUint32(out, at, Number(version >> 32n))
    writeUint32(out, at + 4, Number(version & 0xffffffffn))
  } else {
    throw new TypeError('version must be a number or a bigint')
  }
}
