/**
 * Whether the rows that authorise something are those that were committed: none removed, inserted, or replaced by an
 * older copy of itself, although each that is there carries a valid tag.
 */
import type { Space } from './engine.ts'
import { StorageError } from './errors.ts'
import { assertBound, compareKeys } from './keys.ts'
import type { StoredRow } from './row-format.ts'
import { findStaleRows, type RowHistory } from './stale-rows.ts'
import type { KeyedSums, StoreCheck } from './store-check.ts'

export interface GuardedRows {
  /** All rows of the spaces, verified, in pages. */
  readonly pages: AsyncIterable<readonly (readonly [key: string, row: StoredRow])[]>
  readonly head: KeyedSums
  readonly check: StoreCheck
  readonly history: RowHistory
}

/** @throws StorageError ERR_STORAGE_CORRUPT, naming the row where the change history tells */
export async function verifyGuardedRows(rows: GuardedRows): Promise<void> {
  const { pages, head, check, history } = rows
  const sums = check.start()
  for await (const page of pages) {
    for (const [key, row] of page) {
      if (row.modifyRevision > head.revision) throw corrupt(key, 'is newer than the head')
      if (check.guards(key)) sums.add(key, row)
    }
  }
  if (sums.compare(head).guarded) return
  for await (const { key, detail } of findStaleRows(history, (each) => check.guards(each))) {
    throw corrupt(key, detail)
  }
  throw new StorageError(
    'ERR_STORAGE_CORRUPT',
    'a record that authorises was removed, inserted, or replaced by an older copy of itself',
  )
}

/**
 * The spaces in the order of their keys.
 *
 * @throws TypeError on a bound that is no text
 * @throws RangeError on a space that ends before it begins, or two that overlap
 */
export function orderSpaces(spaces: readonly Space[]): readonly Space[] {
  for (const { gte, lt } of spaces) {
    assertBound(gte, 'gte')
    assertBound(lt, 'lt')
    if (compareKeys(gte, lt) >= 0) throw new RangeError('spaces: one ends before it begins')
  }
  const ordered = [...spaces].sort((a, b) => compareKeys(a.gte, b.gte))
  for (const [i, { gte }] of ordered.entries()) {
    if (i > 0 && compareKeys((ordered[i - 1] as Space).lt, gte) > 0) {
      throw new RangeError('spaces: two overlap')
    }
  }
  return ordered
}

/** What a verification without a check fails with. */
export function notChecked(): StorageError {
  return new StorageError('ERR_STORAGE_UNAVAILABLE', 'no row check is set to verify rows under')
}

function corrupt(key: string, detail: string): StorageError {
  return new StorageError('ERR_STORAGE_CORRUPT', `row ${JSON.stringify(key)} ${detail}`)
}
