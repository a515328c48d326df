/** A backup made a store again, and everything in it read; the same for a restore and for its drill. */
import type { FileHandle } from 'node:fs/promises'
import { createScryptPool } from '@secreg/crypto/node'
import type { Caller } from '@secreg/protocol'
import { openBackupFile, readBackupFileHeader } from '@secreg/registry/backup-file'
import { restoredRows, rowCheckOf, type StoreReport, verifyStore } from '@secreg/registry/restore'
import { LevelEngine, loadStore } from '@secreg/storage'
import type { GivenProof } from './given-proof.ts'
import { type Progress, startProgress } from './progress.ts'

/** What a backup says about itself. */
export type BackupHeader = Awaited<ReturnType<typeof readBackupFileHeader>>

export interface LoadBackupOptions {
  readonly file: FileHandle
  readonly proof: GivenProof
  /** New or empty, private to this user. */
  readonly directory: string
  /** Revision that the store begins with. */
  readonly revision: number
  readonly caller: Caller
}

const PIECE_BYTES = 256 * 1024

/** The bytes of an open file from its beginning; it stays open. */
export async function* sourceOf(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; ; ) {
    // A buffer of its own for each piece: a reader may still hold the one before.
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

export function readHeader(file: FileHandle): Promise<BackupHeader> {
  return readBackupFileHeader(sourceOf(file))
}

/**
 * Make a store of a backup, and read all of it.
 *
 * @throws SecregError as `openBackupFile`; StorageError; what is there then is emptied by the next load
 */
export async function loadBackup(options: LoadBackupOptions): Promise<StoreReport> {
  const { file, proof, directory, revision, caller } = options
  const scrypt = createScryptPool()
  try {
    await using backup = await openBackupFile(() => sourceOf(file), proof, scrypt.scrypt)
    const { id, revision: backupRevision } = backup.header
    const rows = restoredRows(backup.rows(), {
      id,
      backupRevision,
      revision,
      caller,
      nowMs: Date.now(),
    })
    await shown('Restoring', (progress) =>
      loadStore(directory, {
        rows,
        revision,
        check: rowCheckOf(backup.rootKey),
        onProgress: (count) => progress.update(count),
      }),
    )
    return await shown('Verifying', async () => {
      await using engine = await LevelEngine.open(directory)
      return await verifyStore(engine, backup.rootKey)
    })
  } finally {
    await scrypt.close()
  }
}

async function shown<T>(label: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = startProgress(label)
  try {
    return await work(progress)
  } finally {
    progress.stop()
  }
}
