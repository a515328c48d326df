/**
 * The keys of one backup, from the key of purpose `backup` (DESIGN §6) and a salt of its own:
 *
 *   stream key | commitment key = HKDF-SHA256(backup key, salt, 'secreg/v1/backup-stream', 64)
 */
import { type CryptoBackend, isBytes, KEY_BYTES, wipe } from '@secreg/crypto'

const INFO: Uint8Array = new TextEncoder().encode('secreg/v1/backup-stream')

/** Length of the salt in bytes. */
export const SALT_BYTES = 32

/** Keys of one backup; both are views of one array. */
export interface BackupKeys {
  /** 32 bytes, for one stream only. */
  readonly stream: Uint8Array
  /** 32 bytes. */
  readonly commitment: Uint8Array
  wipe(): void
}

/** Check the argument that the keys are derived from. */
export function assertBackupKey(backupKey: Uint8Array): void {
  if (!isBytes(backupKey)) throw new TypeError('backupKey must be a Uint8Array')
  if (backupKey.length !== KEY_BYTES) {
    throw new RangeError(`backupKey must be ${KEY_BYTES} bytes long`)
  }
}

/** Derive the keys of one backup. */
export function deriveBackupKeys(
  backend: CryptoBackend,
  backupKey: Uint8Array,
  salt: Uint8Array,
): BackupKeys {
  const keys = backend.hkdfSha256(backupKey, salt, INFO, 2 * KEY_BYTES)
  return {
    stream: keys.subarray(0, KEY_BYTES),
    commitment: keys.subarray(KEY_BYTES),
    wipe: () => wipe(keys),
  }
}
