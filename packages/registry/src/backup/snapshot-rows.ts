/** The rows of a backup: everything durable but what belongs to this host's audit log. */
import type { KeyedRow, Range, Snapshot } from '@secreg/storage'
import { CURSOR_KEY, OUTBOX_SPACE, VALUE_SPACE } from '../keys.ts'
import { Pacer } from '../slices.ts'

/** Rows that are read at once, and of those that may be large. */
const PAGE_ROWS = 128
const LARGE_PAGE_ROWS = 4

const PARTS: readonly (readonly [Range, pageRows: number])[] = [
  [{ lt: OUTBOX_SPACE.gte }, PAGE_ROWS],
  [{ gte: OUTBOX_SPACE.lt, lt: VALUE_SPACE.gte }, PAGE_ROWS],
  [VALUE_SPACE, LARGE_PAGE_ROWS],
  [{ gte: VALUE_SPACE.lt }, PAGE_ROWS],
]

/** Whether the row of a key is in a backup. */
export function isBackedUp(key: string): boolean {
  return key !== CURSOR_KEY && (key < OUTBOX_SPACE.gte || key >= OUTBOX_SPACE.lt)
}

/**
 * Rows in the order of their keys, with turns of the event loop in between.
 *
 * @param snapshot - left open
 */
export async function* backupRows(
  snapshot: Pick<Snapshot, 'iterate'>,
): AsyncGenerator<KeyedRow, void, undefined> {
  const pacer = new Pacer()
  for (const [range, pageRows] of PARTS) {
    const iterator = snapshot.iterate(range)
    try {
      for (;;) {
        const page = await iterator.nextPage(pageRows)
        if (page.length === 0) break
        for (const row of page) {
          if (isBackedUp(row.key)) yield row
          if (pacer.isDue) await pacer.turn()
        }
      }
    } finally {
      await iterator.close()
    }
  }
}
