import type { Change } from './engine.ts'
import { StorageError } from './errors.ts'
import { changeKey, decodeChange } from './layout.ts'
import type { LevelDatabase, LevelSnapshot } from './level-port.ts'
import { decodeRow } from './row-format.ts'
import { inSlices } from './slices.ts'

const PAGE = 64

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

function gap(revision: number): StorageError {
  return new StorageError(
    'ERR_STORAGE_CORRUPT',
    `the change row of revision ${revision} is missing or out of place`,
  )
}
