/**
 * Keys for one purpose each, from the root key by HKDF-SHA256 (DESIGN §6).
 *
 * ikm = root key, salt = empty, info = `secreg/v1/` followed by the purpose, length = 32.
 */
import { assertBytes, assertText } from './assert.ts'
import { type CryptoBackend, KEY_BYTES } from './backend.ts'
import { utf8Bytes } from './bytes.ts'
import { nobleBackend } from './noble-backend.ts'

/**
 * A purpose that a key may be derived for.
 *
 * `row-check`: tags of storage rows. `record-mac`: MAC of entry, account, token, policy and mount records.
 * `audit-ref`: keyed references to values and paths. `audit-sign`: the keys that sign the audit log. `tokens`: temporary tokens. `mfa`: secrets of second factors.
 * `backup`: backups of a store. `seal-epochs`: wrapping of the data key of each epoch. `seal-header`: the check value of the seal header.
 */
export type KeyPurpose =
  | 'row-check'
  | 'record-mac'
  | 'audit-ref'
  | 'audit-sign'
  | 'tokens'
  | 'mfa'
  | 'backup'
  | 'seal-epochs'
  | 'seal-header'

/** Every purpose that a key may be derived for. */
export const KEY_PURPOSES: readonly KeyPurpose[] = Object.freeze<KeyPurpose[]>([
  'row-check',
  'record-mac',
  'audit-ref',
  'audit-sign',
  'tokens',
  'mfa',
  'backup',
  'seal-epochs',
  'seal-header',
])

/**
 * Derive the key of one purpose.
 *
 * @param root - root key, 32 bytes
 * @returns a fresh key of 32 bytes, which the caller wipes
 */
export function deriveSubkey(
  root: Uint8Array,
  purpose: KeyPurpose,
  backend: CryptoBackend = nobleBackend,
): Uint8Array {
  assertBytes(root, 'root', KEY_BYTES)
  if (!KEY_PURPOSES.includes(assertText(purpose, 'purpose') as KeyPurpose)) {
    throw new RangeError(`purpose must be one of ${KEY_PURPOSES.join(', ')}`)
  }
  return backend.hkdfSha256(root, new Uint8Array(0), utf8Bytes(`secreg/v1/${purpose}`), KEY_BYTES)
}
