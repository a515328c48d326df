/**
 * The seal header: what a store keeps on disk to find its root key again. JSON, safe to copy, useless without what one
 * of its protectors asks for.
 *
 * check = HMAC-SHA256(key of purpose `seal-header`, fields('secreg/v1/seal', format, number of protectors,
 *         per protector context, commitment, nonce, wrapped, checksum, then per epoch number, nonce, wrapped)).
 */
import { assertBytes } from './assert.ts'
import { type CryptoBackend, KEY_BYTES } from './backend.ts'
import { encodeBase64 } from './base64.ts'
import { encodeFields, type Field } from './bytes.ts'
import { assertUndamaged } from './committed-box.ts'
import { CryptoError } from './errors.ts'
import {
  type Protector,
  parseProtector,
  protectorBox,
  protectorContext,
} from './protector-header.ts'
import { damaged, readBytes, readMembers } from './shape.ts'
import { parseWrappedEpoch, type WrappedEpoch } from './wrapped-epoch.ts'

/** Version of the header. */
export const SEAL_FORMAT = 1
/** Most protectors of a seal: bounds the derivations that one attempt can cost. */
export const PROTECTORS_MAX = 16
/** Most epochs of a seal. */
export const EPOCHS_MAX = 65_536

/** The header; JSON-serialisable. */
export interface SealHeader {
  readonly format: typeof SEAL_FORMAT
  /** 1 to 16. */
  readonly protectors: readonly Protector[]
  /** Wrapped data keys, ascending, at least one. */
  readonly epochs: readonly WrappedEpoch[]
  /** 32 bytes, base64. */
  readonly check: string
}

/**
 * Check a header that was read from a disk, as far as that goes without a secret: its shape, the bounds of every
 * derivation, the checksum of every protector.
 *
 * @throws CryptoError `ERR_CRYPTO_FORMAT` for another version, `ERR_CRYPTO_DAMAGED`, `ERR_CRYPTO_KDF_BELOW_FLOOR`,
 *   `ERR_CRYPTO_KDF_ABOVE_CEILING`
 */
export function parseSealHeader(value: unknown, backend: CryptoBackend): SealHeader {
  const { format } = (value ?? {}) as { format?: unknown }
  if (Number.isSafeInteger(format) && format !== SEAL_FORMAT) {
    throw new CryptoError('ERR_CRYPTO_FORMAT')
  }
  const members = readMembers(value, ['format', 'protectors', 'epochs', 'check'])
  if (format !== SEAL_FORMAT) damaged()
  readBytes(members.check, KEY_BYTES)
  const protectors = readList(members.protectors, PROTECTORS_MAX).map(parseProtector)
  const epochs = readList(members.epochs, EPOCHS_MAX).map(parseWrappedEpoch)
  if (new Set(protectors.map(({ id }) => id)).size !== protectors.length) damaged()
  if (epochs.some(({ epoch }, at) => at > 0 && epoch <= (epochs[at - 1] as WrappedEpoch).epoch)) {
    damaged()
  }
  for (const protector of protectors) {
    assertUndamaged(backend, protectorContext(protector), protectorBox(protector))
  }
  return { format: SEAL_FORMAT, protectors, epochs, check: members.check as string }
}

/** Put a header together under its key, that of purpose `seal-header`. */
export function buildSealHeader(
  headerKey: Uint8Array,
  protectors: readonly Protector[],
  epochs: readonly WrappedEpoch[],
  backend: CryptoBackend,
): SealHeader {
  if (protectors.length > PROTECTORS_MAX) {
    throw new RangeError(`a seal has at most ${PROTECTORS_MAX} protectors`)
  }
  const check = encodeBase64(checkOf(headerKey, protectors, epochs, backend))
  return { format: SEAL_FORMAT, protectors, epochs, check }
}

/**
 * Check a header under its key.
 *
 * @throws CryptoError `ERR_CRYPTO_DAMAGED` if it is not as it was put together
 */
export function assertSealHeader(
  headerKey: Uint8Array,
  header: SealHeader,
  backend: CryptoBackend,
): void {
  const expected = checkOf(headerKey, header.protectors, header.epochs, backend)
  if (!backend.equal(expected, readBytes(header.check, KEY_BYTES))) damaged()
}

function checkOf(
  headerKey: Uint8Array,
  protectors: readonly Protector[],
  epochs: readonly WrappedEpoch[],
  backend: CryptoBackend,
): Uint8Array {
  assertBytes(headerKey, 'headerKey', KEY_BYTES)
  const fields: Field[] = ['secreg/v1/seal', SEAL_FORMAT, protectors.length]
  for (const protector of protectors) {
    const { commitment, nonce, wrapped, checksum } = protector
    fields.push(protectorContext(protector), commitment, nonce, wrapped, checksum)
  }
  for (const { epoch, nonce, wrapped } of epochs) fields.push(epoch, nonce, wrapped)
  return backend.hmacSha256(headerKey, encodeFields(...fields))
}

function readList(value: unknown, max: number): unknown[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > max) damaged()
  return value as unknown[]
}
