/** Verification: everything is read, nothing is kept. */
import type { BackupContent } from './open-backup.ts'

/** Rows and bytes of one space. */
export interface BackupCount {
  readonly rows: number
  /** Of keys and values. */
  readonly bytes: number
}

/** What a backup holds. */
export interface BackupReport extends BackupCount {
  readonly id: string
  readonly revision: number
  /** By the first character of the key, which is the space of a row. */
  readonly spaces: ReadonlyMap<string, BackupCount>
}

/**
 * Read a backup to its end.
 *
 * @param content - as `openBackup` gives it, its rows not asked for yet; closed here
 * @throws BackupError as its rows do
 */
export async function verifyBackup(content: BackupContent): Promise<BackupReport> {
  const { id, revision } = content.header
  const utf8 = new TextEncoder()
  const spaces = new Map<string, { rows: number; bytes: number }>()
  let rows = 0
  let bytes = 0
  for await (const { key, value } of content.rows()) {
    const space = String.fromCodePoint(key.codePointAt(0) as number)
    const size = utf8.encode(key).length + value.length
    const count = spaces.get(space) ?? { rows: 0, bytes: 0 }
    count.rows++
    count.bytes += size
    spaces.set(space, count)
    rows++
    bytes += size
    value.fill(0)
  }
  return { id, revision, rows, bytes, spaces }
}
