/** The data keys of a store: one random key per epoch, each wrapped under a key from the root (DESIGN §6). */
import { assertBytes } from './assert.ts'
import { type CryptoBackend, KEY_BYTES } from './backend.ts'
import { wipe } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { nobleBackend } from './noble-backend.ts'
import { deriveSubkey } from './subkey.ts'
import { openValue, readValueEpoch, sealValue, type ValueBinding } from './value-cipher.ts'
import {
  assertEpoch,
  EPOCH_MAX,
  unwrapEpoch,
  type WrappedEpoch,
  wrapEpoch,
} from './wrapped-epoch.ts'

/** Seals and opens values with the data keys of one store. */
export interface KeyRing {
  /** Epoch that new values are sealed in. */
  readonly currentEpoch: number
  /** Epochs whose values can be opened, ascending. */
  readonly epochs: readonly number[]
  /** Seal a value for one place, with a fresh random nonce; returns a fresh copy, 45 bytes longer. */
  sealValue(binding: ValueBinding, plaintext: Uint8Array): Uint8Array
  /**
   * Open a sealed value at its place; returns a fresh copy, which the caller wipes.
   *
   * @throws CryptoError `ERR_CRYPTO_OPEN` when anything is not as it was sealed, or the epoch is unknown
   */
  openValue(binding: ValueBinding, blob: Uint8Array): Uint8Array
  /**
   * Make the data key of a next epoch. Values are sealed in it only after {@link KeyRing.activateEpoch}, which comes
   * once the returned row is durable: a value must never be sealed under a key that a crash can lose.
   */
  addEpoch(): WrappedEpoch
  /** Seal new values in this epoch from now on. */
  activateEpoch(epoch: number): void
  /** Forget the data key of an epoch that has no values left; the current one is refused. */
  dropEpoch(epoch: number): void
  /** Overwrite all keys; every later use throws `ERR_CRYPTO_WIPED`. */
  wipe(): void
}

/**
 * Start the key ring of a new store at epoch 1.
 *
 * @param root - root key, 32 bytes; not kept
 * @returns the ring and the row to store before the first value
 */
export function createKeyRing(
  root: Uint8Array,
  backend: CryptoBackend = nobleBackend,
): { readonly ring: KeyRing; readonly epoch: WrappedEpoch } {
  const ring = buildRing(deriveSubkey(root, 'seal-epochs', backend), new Map(), 0, backend)
  const epoch = ring.addEpoch()
  ring.activateEpoch(epoch.epoch)
  return { ring, epoch }
}

/**
 * Open the key ring of a store; new values go to its highest epoch.
 *
 * @param root - root key, 32 bytes; not kept
 * @param epochs - every wrapped data key of the store, at least one
 * @throws CryptoError `ERR_CRYPTO_DAMAGED` when a row is not as it was made, appears twice, or there is none
 */
export function openKeyRing(
  root: Uint8Array,
  epochs: readonly WrappedEpoch[],
  backend: CryptoBackend = nobleBackend,
): KeyRing {
  assertBytes(root, 'root', KEY_BYTES)
  if (!Array.isArray(epochs)) throw new TypeError('epochs must be an array')
  const wrapKey = deriveSubkey(root, 'seal-epochs', backend)
  const keys = new Map<number, Uint8Array>()
  try {
    for (const row of epochs as readonly WrappedEpoch[]) {
      const key = unwrapEpoch(backend, wrapKey, row)
      if (keys.has(row.epoch)) {
        wipe(key)
        throw new CryptoError('ERR_CRYPTO_DAMAGED')
      }
      keys.set(row.epoch, key)
    }
    if (keys.size === 0) throw new CryptoError('ERR_CRYPTO_DAMAGED')
  } catch (error) {
    wipe(wrapKey, ...keys.values())
    throw error
  }
  return buildRing(wrapKey, keys, Math.max(...keys.keys()), backend)
}

function buildRing(
  wrapKey: Uint8Array,
  keys: Map<number, Uint8Array>,
  newest: number,
  backend: CryptoBackend,
): KeyRing {
  let current = newest
  let wiped = false
  const assertLive = (): void => {
    if (wiped) throw new CryptoError('ERR_CRYPTO_WIPED')
  }
  const known = (epoch: number): Uint8Array => {
    const key = keys.get(assertEpoch(epoch))
    if (key === undefined) throw new RangeError(`epoch ${epoch} is not in the key ring`)
    return key
  }
  return {
    get currentEpoch() {
      return current
    },
    get epochs() {
      return [...keys.keys()].sort((a, b) => a - b)
    },
    sealValue(binding, plaintext) {
      assertLive()
      return sealValue(backend, known(current), current, binding, plaintext)
    },
    openValue(binding, blob) {
      assertLive()
      const epoch = readValueEpoch(blob)
      const key = keys.get(epoch)
      if (key === undefined) throw new CryptoError('ERR_CRYPTO_OPEN')
      return openValue(backend, key, epoch, binding, blob)
    },
    addEpoch() {
      assertLive()
      const epoch = Math.max(0, ...keys.keys()) + 1
      if (epoch > EPOCH_MAX) throw new RangeError('no epoch number is left')
      const key = backend.randomBytes(KEY_BYTES)
      const row = wrapEpoch(backend, wrapKey, epoch, key)
      keys.set(epoch, key)
      return row
    },
    activateEpoch(epoch) {
      assertLive()
      known(epoch)
      current = epoch
    },
    dropEpoch(epoch) {
      assertLive()
      const key = known(epoch)
      if (epoch === current) throw new RangeError('the current epoch cannot be dropped')
      keys.delete(epoch)
      wipe(key)
    },
    wipe() {
      wiped = true
      wipe(wrapKey, ...keys.values())
      keys.clear()
    },
  }
}
