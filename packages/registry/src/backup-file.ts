/** @secreg/registry/backup-file: reading backups where no registry runs. */
export {
  type OpenBackupFile,
  openBackupFile,
  readBackupFileHeader,
} from './backup/open-backup-file.ts'
export type { GivenProof } from './seal/credential.ts'
