/** What a start verifies of the commits before it, without a key. */
import { StorageError } from './errors.ts'
import { type ChangeKey, DATA_SPACE, decodeChange } from './layout.ts'
import { readChangesBack } from './level-changes.ts'
import type { LevelDatabase } from './level-port.ts'
import { decodeRow } from './row-format.ts'
import { inSlices, type Steps } from './slices.ts'

export interface CommitMarks {
  /** Change rows up to here have been dropped. */
  readonly trimmed: number
  /** Commits up to here had been verified when the store was opened. */
  readonly checkpoint: number
}

/** Keys, from the last commit back, that are compared at open: a start must not take longer the longer it has run. */
const COMPARED_KEYS = 20_000

/**
 * Every commit after the checkpoint must have its change row, and the keys of the last commits must be as the last one
 * that names them has left them. Scrubs compare the rest, by number and sums of all rows.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT
 */
export async function verifyCommits(
  db: LevelDatabase,
  head: number,
  { trimmed, checkpoint }: CommitMarks,
): Promise<void> {
  if (checkpoint > head || trimmed > head) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'the head is behind the checkpoint')
  }
  const seen = new Set<string>()
  for await (const page of readChangesBack(db, Math.max(checkpoint, trimmed), head)) {
    for (const { revision, value } of page) {
      if (seen.size >= COMPARED_KEYS) break
      const { keys } = await inSlices(decodeChange(value))
      await inSlices(verifyKeys(db, keys, revision, seen))
    }
  }
}

function* verifyKeys(
  db: LevelDatabase,
  keys: readonly ChangeKey[],
  revision: number,
  seen: Set<string>,
): Steps<void> {
  for (const { key, put } of keys) {
    if (seen.size >= COMPARED_KEYS) return
    if (seen.has(key)) continue
    seen.add(key)
    verifyKey(db, key, put, revision)
    yield
  }
}

function verifyKey(db: LevelDatabase, key: string, put: boolean, revision: number): void {
  const storageKey = DATA_SPACE + key
  const bytes = db.getSync(storageKey)
  const row = bytes === undefined ? undefined : decodeRow(storageKey, key, bytes, undefined)
  if (put ? row?.modifyRevision === revision : row === undefined) return
  throw new StorageError(
    'ERR_STORAGE_CORRUPT',
    `row ${JSON.stringify(key)} is not as revision ${revision} left it`,
  )
}
