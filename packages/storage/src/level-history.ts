/** Verified rows of one moment of a LevelDB store, and the changes that led to them. */
import type { RowCheck, Space } from './engine.ts'
import type { Head } from './head-row.ts'
import { DATA_SPACE, decodeChange } from './layout.ts'
import { readChangesBack } from './level-changes.ts'
import type { LevelDatabase, LevelSnapshot } from './level-port.ts'
import { levelRange } from './level-rows.ts'
import { decodeRow, type StoredRow } from './row-format.ts'
import { inSlices } from './slices.ts'
import type { RowHistory } from './stale-rows.ts'

/** Rows checked before the event loop gets a turn. */
const PAGE = 128

/** A moment of the store: a snapshot, and the head that belongs to it. */
export interface LevelMoment {
  readonly db: LevelDatabase
  readonly snapshot: LevelSnapshot
  readonly head: Head
  readonly trimmed: number
}

/**
 * Rows of a space in pages.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT at the first that is not sound
 */
export async function* readRowPages(
  db: LevelDatabase,
  space: Partial<Space>,
  check: RowCheck | undefined,
  snapshot?: LevelSnapshot,
): AsyncGenerator<readonly (readonly [key: string, row: StoredRow])[]> {
  const range = levelRange(space)
  const iterator = db.iterator(snapshot === undefined ? range : { ...range, snapshot })
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE)
      if (page.length === 0) return
      yield page.map(([storageKey, bytes]) => {
        const key = storageKey.slice(DATA_SPACE.length)
        return [key, decodeRow(storageKey, key, bytes, check)]
      })
    }
  } finally {
    await iterator.close()
  }
}

/** Pages of several spaces, one after the other. */
export async function* readSpaces(
  { db, snapshot }: Pick<LevelMoment, 'db' | 'snapshot'>,
  spaces: readonly Space[],
  check: RowCheck,
): AsyncGenerator<readonly (readonly [key: string, row: StoredRow])[]> {
  for (const space of spaces) yield* readRowPages(db, space, check, snapshot)
}

/** @param spaces - where rows are looked for that no change tells of; default everywhere */
export function levelHistory(
  { db, snapshot, head, trimmed }: LevelMoment,
  spaces: readonly Partial<Space>[] = [{}],
): RowHistory {
  return {
    trimmed,
    async *changes() {
      for await (const page of readChangesBack(db, trimmed, head.revision, snapshot)) {
        for (const { revision, value } of page) {
          yield { revision, keys: (await inSlices(decodeChange(value))).keys }
        }
      }
    },
    modified(key) {
      const storageKey = DATA_SPACE + key
      const bytes = db.getSync(storageKey, { snapshot })
      return bytes && decodeRow(storageKey, key, bytes, undefined).modifyRevision
    },
    async *rows() {
      for (const space of spaces) {
        for await (const page of readRowPages(db, space, undefined, snapshot)) {
          for (const [key, { modifyRevision }] of page) yield [key, modifyRevision]
        }
      }
    },
  }
}
