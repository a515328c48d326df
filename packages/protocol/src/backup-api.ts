/** Answers about backups, and about restoring from one, type only. */
import type { ImportChange } from './api.ts'

/** A backup that was read to its end. */
export interface BackupInfo {
  /** When it was finished, milliseconds since the epoch. */
  readonly at: number
  /** As its header says: 32 hexadecimal digits. */
  readonly id: string
  /** Revision whose state it holds. */
  readonly revision: number
  readonly bytes: number
  /** Who has it: a client, or the directory of the scheduled ones. */
  readonly where: 'client' | 'scheduled'
}

/** Scheduled backups, where the configuration names a directory for them. */
export interface BackupSchedule {
  readonly directory: string
  readonly interval_s: number
  /** Backups of this registry that are there. */
  readonly files: number
  /** When the next one is due, milliseconds since the epoch. */
  readonly next_at: number
  /** Why there is none at present. */
  readonly failing?: string
}

export interface BackupResponse {
  /** Of `begin`: names the backup in the requests that follow. */
  readonly backup?: string
  readonly id?: string
  readonly revision?: number
  readonly generation?: string
  readonly created_at?: number
  /** Of `read`: the next piece of the file, base64. */
  readonly data?: string
  /** Whether the file ends with this piece. */
  readonly last?: boolean
  /** Of `status`. */
  readonly last_backup?: BackupInfo
  readonly last_scheduled?: BackupInfo
  readonly schedule?: BackupSchedule
}

/** What one restored entry is, or would be. */
export type RestoreChange = ImportChange

export interface RestoreResponse {
  /** Of `begin`: names the restore in the requests that follow. */
  readonly restore?: string
  /** Of `stage`: bytes of the file that are here. */
  readonly staged?: number
  /** Of `commit`: the backup, as it says itself. */
  readonly backup?: { readonly id: string; readonly revision: number; readonly created_at: number }
  readonly created?: number
  readonly updated?: number
  readonly unchanged?: number
  /** Of `commit`: of the change. */
  readonly revision?: number
  /** Of a dry run and of `diff`: some of the changes, and where to go on. */
  readonly changes?: readonly RestoreChange[]
  readonly next_offset?: number
}
