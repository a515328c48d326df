/**
 * The data key of one epoch, wrapped for storage.
 *
 * wrapped = XChaCha20-Poly1305(key of purpose `seal-epochs`, nonce, aad = fields('secreg/v1/epoch', epoch), data key).
 */
import { assertInteger } from './assert.ts'
import { type CryptoBackend, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './backend.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { encodeFields } from './bytes.ts'
import { CryptoError } from './errors.ts'

/** Highest epoch number: four bytes in a sealed value. */
export const EPOCH_MAX = 0xffff_ffff

/** A wrapped data key. JSON-serialisable, and not secret without the root key. */
export interface WrappedEpoch {
  /** 1 to 2^32−1. */
  readonly epoch: number
  /** 24 bytes, base64. */
  readonly nonce: string
  /** 48 bytes, base64. */
  readonly wrapped: string
}

/** Wrap a data key under `wrapKey`, both 32 bytes. */
export function wrapEpoch(
  backend: CryptoBackend,
  wrapKey: Uint8Array,
  epoch: number,
  dataKey: Uint8Array,
): WrappedEpoch {
  const nonce = backend.randomBytes(NONCE_BYTES)
  const wrapped = backend.xchachaSeal(wrapKey, nonce, epochAad(epoch), dataKey)
  return { epoch, nonce: encodeBase64(nonce), wrapped: encodeBase64(wrapped) }
}

/**
 * Unwrap a data key.
 *
 * @throws CryptoError `ERR_CRYPTO_DAMAGED`
 */
export function unwrapEpoch(
  backend: CryptoBackend,
  wrapKey: Uint8Array,
  row: WrappedEpoch,
): Uint8Array {
  const { epoch, nonce, wrapped } = parseWrappedEpoch(row)
  try {
    return backend.xchachaOpen(
      wrapKey,
      decodeBase64(nonce) as Uint8Array,
      epochAad(epoch),
      decodeBase64(wrapped) as Uint8Array,
    )
  } catch (cause) {
    throw new CryptoError('ERR_CRYPTO_DAMAGED', { cause })
  }
}

/**
 * Check the shape of a wrapped epoch that was read from a disk.
 *
 * @throws CryptoError `ERR_CRYPTO_DAMAGED`
 */
export function parseWrappedEpoch(value: unknown): WrappedEpoch {
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 3) {
    const { epoch, nonce, wrapped } = value as Record<keyof WrappedEpoch, unknown>
    if (
      isEpoch(epoch) &&
      typeof nonce === 'string' &&
      typeof wrapped === 'string' &&
      decodeBase64(nonce)?.length === NONCE_BYTES &&
      decodeBase64(wrapped)?.length === KEY_BYTES + TAG_BYTES
    ) {
      return { epoch, nonce, wrapped }
    }
  }
  throw new CryptoError('ERR_CRYPTO_DAMAGED')
}

/** Check an epoch number given by a caller. */
export function assertEpoch(epoch: unknown): number {
  return assertInteger(epoch, 'epoch', 1, EPOCH_MAX)
}

function isEpoch(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= EPOCH_MAX
}

function epochAad(epoch: number): Uint8Array {
  return encodeFields('secreg/v1/epoch', epoch)
}
