/** @secreg/backup: writing, reading and verifying backups; platform-neutral. */
export { BackupError, type BackupErrorCode, isBackupError } from './errors.ts'
export { BACKUP_FORMAT, BACKUP_VERSION, type BackupHeader, HEADER_MAX_BYTES } from './header.ts'
export {
  type BackupContent,
  type OpenBackupOptions,
  type OpenedBackup,
  openBackup,
  openBackupWithKey,
  type ReadBackupOptions,
  readBackupHeader,
} from './open-backup.ts'
export {
  type BackupMeta,
  type BackupRow,
  KEY_MAX_BYTES,
  META_MAX_BYTES,
  REVISION_MAX,
  VALUE_MAX_BYTES,
} from './row.ts'
export { type BackupCount, type BackupReport, verifyBackup } from './verify-backup.ts'
export { type BackupStream, type WriteBackupOptions, writeBackup } from './write-backup.ts'
