/**
 * Names the rows that make the sums of tags wrong, as far as the change history can tell: a row must have been written
 * last by the commit that names it last, and a row that was deleted last must not be there.
 */
import type { ScrubFinding } from './engine.ts'
import { isStorageError } from './errors.ts'
import type { ChangeKey } from './layout.ts'
import { Pace } from './slices.ts'
import type { KeyedSums, TagSums } from './store-check.ts'

/** The rows of one moment, and the changes that led to them. */
export interface RowHistory {
  /** What each retained commit did, latest first. */
  changes(): AsyncIterable<{ readonly revision: number; readonly keys: readonly ChangeKey[] }>
  /** Modify revision of a row that is there. */
  modified(key: string): number | undefined
  /** Keys of all rows that are there, and their modify revisions. */
  rows(): AsyncIterable<readonly [key: string, modifyRevision: number]>
  /** Revision up to which the changes have been dropped. */
  readonly trimmed: number
}

export interface StaleRow {
  readonly key: string
  readonly detail: string
}

/** What is known when no row can be named. */
export const UNNAMED = 'rows were removed, inserted, or replaced by older copies of themselves'

/** Keys that are remembered on the way back: what changed longer ago than these is not named. */
const REMEMBERED_KEYS = 500_000

/** @param concerns - whether a key is to be looked at; default all are */
export async function* findStaleRows(
  history: RowHistory,
  concerns: (key: string) => boolean = () => true,
): AsyncGenerator<StaleRow> {
  const seen = new Set<string>()
  const pace = new Pace()
  try {
    for await (const { revision, keys } of history.changes()) {
      for (const { key, put } of keys) {
        if (seen.has(key) || !concerns(key)) continue
        if (seen.size >= REMEMBERED_KEYS) return
        seen.add(key)
        const detail = compare(put, revision, history.modified(key))
        if (detail !== undefined) yield { key, detail }
        if (pace.isDue) await pace.turn()
      }
    }
  } catch (error) {
    // A history that is damaged itself names nothing more.
    if (!isStorageError(error, 'ERR_STORAGE_CORRUPT')) throw error
    return
  }
  for await (const [key, modified] of history.rows()) {
    if (modified <= history.trimmed || seen.has(key) || !concerns(key)) continue
    yield { key, detail: `is said to be of revision ${modified}, which did not write it` }
  }
}

/** What a scrub finds when the tags of all rows, each valid, do not add up to the sums of the head. */
export async function* findWrongSums(
  sums: TagSums,
  head: KeyedSums,
  history: RowHistory,
): AsyncGenerator<ScrubFinding> {
  const { all, guarded } = sums.compare(head)
  if (all && !guarded) {
    const detail = 'other rows are guarded than when they were written'
    yield { kind: 'stale', subject: '', detail }
  }
  if (all) return
  let named = false
  for await (const { key, detail } of findStaleRows(history)) {
    named = true
    yield { kind: 'stale', subject: key, detail }
  }
  if (!named) yield { kind: 'stale', subject: '', detail: UNNAMED }
}

function compare(put: boolean, revision: number, found: number | undefined): string | undefined {
  if (!put) {
    return found === undefined
      ? undefined
      : `was deleted at revision ${revision} and is there again, as revision ${found} left it`
  }
  if (found === undefined) return `was written at revision ${revision} and is missing`
  if (found === revision) return undefined
  return `was written at revision ${revision} and is as revision ${found} left it`
}
