/** @secreg/crypto: platform-neutral entry point. */

export { isBytes } from './assert.ts'
export {
  type CryptoBackend,
  HKDF_MAX_BYTES,
  HKDF_MAX_INFO_BYTES,
  KEY_BYTES,
  NONCE_BYTES,
  RANDOM_MAX_BYTES,
  TAG_BYTES,
} from './backend.ts'
export { decodeBase64, encodeBase64 } from './base64.ts'
export { encodeFields, type Field, wipe } from './bytes.ts'
export { CryptoError, type CryptoErrorCode, isCryptoError } from './errors.ts'
export { createKeyRing, type KeyRing, openKeyRing } from './key-ring.ts'
export { nobleBackend } from './noble-backend.ts'
export { PASSPHRASE_MAX_BYTES, type Passphrase } from './passphrase.ts'
export {
  openWithPassphrase,
  type PassphraseBoxOptions,
  type PassphraseDocument,
  sealWithPassphrase,
} from './passphrase-box.ts'
export {
  decoyPasswordHash,
  formatPasswordHash,
  hashPassword,
  needsRehash,
  type PasswordHash,
  type PasswordHashOptions,
  parsePasswordHash,
  verifyPassword,
} from './password-hash.ts'
export {
  type Credential,
  KEY_FILE_MAX_BYTES,
  KEY_FILE_MIN_BYTES,
  type NewProtector,
} from './protector.ts'
export {
  assertCredentialName,
  assertProtectorLabel,
  type HkdfHeader,
  isPortable,
  type KeyFileProtector,
  type PassphraseProtector,
  type Protector,
  type ProtectorKind,
  type ScryptHeader,
  type ShamirProtector,
  type SystemdCredentialProtector,
} from './protector-header.ts'
export {
  DEFAULT_SCRYPT,
  nobleScrypt,
  SCRYPT_CEILING,
  SCRYPT_FLOOR,
  SCRYPT_MAX_MEMORY_BYTES,
  type Scrypt,
  type ScryptParams,
} from './scrypt.ts'
export {
  type AddedProtector,
  addProtector,
  type ChangePassphraseOptions,
  type CreateSealOptions,
  changePassphrase,
  createSeal,
  type NewSeal,
  type OpenedSeal,
  type OpenSealOptions,
  openSeal,
  portableSeal,
  putProtector,
  removeProtector,
  replaceEpochs,
  replaceProtector,
  type SealOptions,
  type ShareSet,
} from './seal.ts'
export {
  EPOCHS_MAX,
  PROTECTORS_MAX,
  parseSealHeader,
  SEAL_FORMAT,
  type SealHeader,
} from './seal-header.ts'
export { readShare, SHARES_MAX, type ShareInfo } from './shares.ts'
export {
  type ByteSource,
  openStream,
  STREAM_CHUNK_BYTES,
  type StreamOptions,
  sealStream,
} from './stream.ts'
export { deriveSubkey, KEY_PURPOSES, type KeyPurpose } from './subkey.ts'
export {
  ENTRY_ID_BYTES,
  readValueEpoch,
  TYPE_MAX_LENGTH,
  VALUE_FORMAT,
  VALUE_OVERHEAD_BYTES,
  type ValueBinding,
} from './value-cipher.ts'
export { EPOCH_MAX, type WrappedEpoch } from './wrapped-epoch.ts'
