/** Rows of one moment of a store in memory, and the changes that led to them. */
import type { Space } from './engine.ts'
import { compareKeys } from './keys.ts'
import type { ChangeKey } from './layout.ts'
import type { StoredRow } from './row-format.ts'
import { Pace } from './slices.ts'
import type { SortedMap } from './sorted-map.ts'
import type { RowHistory } from './stale-rows.ts'

/** A row as a store in memory has it: `row` was made of the bytes, and has their revisions. */
interface MemoryRow {
  readonly bytes: Uint8Array
  readonly row: StoredRow
}

export interface MemoryMoment<V extends MemoryRow> {
  readonly rows: SortedMap<V>
  readonly changes: ReadonlyMap<number, { readonly keys: readonly ChangeKey[] }>
  readonly head: number
  readonly trimmed: number
}

/** Entries of a space, in the order of their keys. */
export function* entriesIn<V>(
  map: SortedMap<V>,
  { gte, lt }: Partial<Space>,
): Generator<readonly [key: string, value: V]> {
  let at = gte === undefined ? map.first() : map.seek(gte)
  for (let found = map.at(at); found !== undefined; found = map.at(at)) {
    if (lt !== undefined && compareKeys(found[0], lt) >= 0) return
    yield found
    at = map.after(at)
  }
}

/** Rows of several spaces, opened one by one, in pages of one. */
export async function* readMemorySpaces<V extends MemoryRow>(
  map: SortedMap<V>,
  spaces: readonly Space[],
  open: (key: string, bytes: Uint8Array) => StoredRow,
): AsyncGenerator<readonly (readonly [key: string, row: StoredRow])[]> {
  const pace = new Pace()
  for (const space of spaces) {
    for (const [key, { bytes }] of entriesIn(map, space)) {
      yield [[key, open(key, bytes)]]
      if (pace.isDue) await pace.turn()
    }
  }
}

export function memoryHistory<V extends MemoryRow>(
  { rows, changes, head, trimmed }: MemoryMoment<V>,
  spaces: readonly Partial<Space>[] = [{}],
): RowHistory {
  return {
    trimmed,
    async *changes() {
      for (let revision = head; revision > trimmed; revision--) {
        const keys = changes.get(revision)?.keys
        // Dropped meanwhile, and so are all before it.
        if (keys === undefined) return
        yield { revision, keys }
      }
    },
    modified: (key) => rows.get(key)?.row.modifyRevision,
    async *rows() {
      for (const space of spaces) {
        for (const [key, { row }] of entriesIn(rows, space)) yield [key, row.modifyRevision]
      }
    },
  }
}
