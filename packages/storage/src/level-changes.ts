import type { Change } from './engine.ts'
import { StorageError } from './errors.ts'
import { CHANGE_SPACE, changeKey, decodeChange } from './layout.ts'
import type { LevelDatabase, LevelSnapshot } from './level-port.ts'
import { decodeRow } from './row-format.ts'
import { inSlices } from './slices.ts'

const PAGE = 64
/** Commits per turn of the event loop are bounded by LevelDB's pages. */
const PAGE_BACK = 256

/**
 * The change rows after `after` up to `head`.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT when one is missing or damaged
 */
export async function* readChanges(
  db: LevelDatabase,
  after: number,
  head: number,
  snapshot?: LevelSnapshot,
): AsyncGenerator<Change> {
  let expected = after + 1
  const range = { gt: changeKey(after), lte: changeKey(head) }
  const iterator = db.iterator(snapshot === undefined ? range : { ...range, snapshot })
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE)
      if (page.length === 0) break
      for (const [key, bytes] of page) {
        const row = decodeRow(key, key, bytes, undefined)
        if (key !== changeKey(expected) || row.modifyRevision !== expected) throw gap(expected)
        const { keys, payload } = await inSlices(decodeChange(row.value))
        yield { revision: expected, payload, keys: keys.map((each) => each.key) }
        expected++
      }
    }
    if (expected <= head) throw gap(expected)
  } finally {
    await iterator.close()
  }
}

/** A change row's value, for {@link decodeChange}. */
export interface EncodedChange {
  readonly revision: number
  readonly value: Uint8Array
}

/**
 * All change rows after `after`, latest first, in pages; there must be none after `head`.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT when one is missing or damaged
 */
export async function* readChangesBack(
  db: LevelDatabase,
  after: number,
  head: number,
  snapshot?: LevelSnapshot,
): AsyncGenerator<readonly EncodedChange[]> {
  let expected = head
  const iterator = db.iterator({
    gt: changeKey(after),
    lt: String.fromCharCode(CHANGE_SPACE.charCodeAt(0) + 1),
    reverse: true,
    ...(snapshot === undefined ? {} : { snapshot }),
  })
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE_BACK)
      if (page.length === 0) break
      yield page.map(([key, bytes]) => {
        const { modifyRevision: revision, value } = decodeRow(key, key, bytes, undefined)
        if (key !== changeKey(revision) || revision !== expected) throw gap(expected)
        expected--
        return { revision, value }
      })
    }
  } finally {
    await iterator.close()
  }
  if (expected !== after) throw gap(expected)
}

function gap(revision: number): StorageError {
  return new StorageError(
    'ERR_STORAGE_CORRUPT',
    `the change row of revision ${revision} is missing or out of place`,
  )
}
