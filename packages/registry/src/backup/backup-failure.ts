/** What is told when a backup cannot be used: each cause its own reason. */
import { type BackupErrorCode, isBackupError } from '@secreg/backup'
import { isCryptoError } from '@secreg/crypto'
import { type Reason, SecregError } from '@secreg/protocol'
import { sealFailure } from '../seal/seal-failure.ts'

const TOLD: Readonly<Record<BackupErrorCode, readonly [Reason, string]>> = {
  ERR_BACKUP_FORMAT: ['BACKUP_INVALID', 'this is not a backup of a registry'],
  ERR_BACKUP_NEWER: ['BACKUP_NEWER', 'the backup was written by a newer version of this software'],
  ERR_BACKUP_HEADER: ['BACKUP_DAMAGED', 'the header of the backup is damaged'],
  ERR_BACKUP_DAMAGED: ['BACKUP_DAMAGED', 'the content of the backup is damaged'],
  ERR_BACKUP_TRUNCATED: ['BACKUP_TRUNCATED', 'the backup ends early: a part of it is missing'],
  ERR_BACKUP_TRAILING: ['BACKUP_DAMAGED', 'something follows the end of the backup'],
}

/** Where the words for the seal of a registry do not fit that of a backup. */
const OF_SEAL: { readonly [R in Reason]?: readonly [Reason, string] } = {
  UNLOCK_FAILED: ['UNLOCK_FAILED', 'what was given does not open the backup'],
  SHARE_FOREIGN: ['SHARE_FOREIGN', 'the shares are not all of one set that opens this backup'],
  SEAL_DAMAGED: ['BACKUP_DAMAGED', 'the header of the backup is damaged'],
  KDF_BELOW_FLOOR: [
    'KDF_BELOW_FLOOR',
    'the header of the backup asks for a key derivation that is weaker than the floor',
  ],
}

/** The error to tell; `undefined` for what is no failure of a backup. */
export function backupFailure(cause: unknown): SecregError | undefined {
  if (isBackupError(cause)) return new SecregError(...TOLD[cause.code], { cause })
  if (!isCryptoError(cause) && !SecregError.is(cause)) return undefined
  const error = sealFailure(cause)
  const told = OF_SEAL[error.reason]
  return told === undefined ? error : new SecregError(...told, { cause })
}
