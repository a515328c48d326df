/**
 * Rows of a backup as a restored store has them (DESIGN §6): everything as it was, but numbers and revisions go on above
 * those that clients may hold, and what belonged to the audit log of then stays behind. The record of the restore comes
 * with them, in the outbox, so that it is in the log at the next start whatever happens before.
 */
import type { Caller } from '@secreg/protocol'
import type { KeyedRow } from '@secreg/storage'
import { auditBody } from '../audit-record.ts'
import { encodeOutbox } from '../journal.ts'
import { CURSOR_KEY, OUTBOX_SPACE, outboxKey } from '../keys.ts'
import {
  decodeRenumbering,
  NUMBERS_KEY,
  type Renumbering,
  renumbered,
  renumberingOp,
} from '../renumbering.ts'

/** Revisions that a restore leaves out: more than anybody commits between a backup and its restore. */
const REVISIONS_LEFT_OUT = 1_000_000

export interface RestoreOptions {
  /** Id of the backup. */
  readonly id: string
  /** Revision whose state the backup is. */
  readonly backupRevision: number
  /** Revision that the restored store begins with, from {@link restoredRevision}. */
  readonly revision: number
  /** Who restores it, as recorded. */
  readonly caller: Caller
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/**
 * The revision that a restored store begins with: above all that is known, and round, so that people see what it is.
 *
 * @param known - that of the backup, of the store that it replaces, of the audit log that goes on
 */
export function restoredRevision(...known: readonly number[]): number {
  return (Math.floor(Math.max(...known) / REVISIONS_LEFT_OUT) + 1) * REVISIONS_LEFT_OUT
}

/**
 * @param rows - of the backup, ascending
 * @returns those of the restored store, ascending
 */
export async function* restoredRows(
  rows: AsyncIterable<KeyedRow>,
  options: RestoreOptions,
): AsyncGenerator<KeyedRow, void, undefined> {
  const added = [numbersRow(undefined, options), recordRow(options)]
  for await (const row of rows) {
    while (added[0] !== undefined && added[0].key < row.key) yield added.shift() as KeyedRow
    if (row.key === NUMBERS_KEY) {
      added.shift()
      yield numbersRow(decodeRenumbering(row), options)
    } else if (!isOfLog(row.key)) yield row
  }
  yield* added
}

/** Rows that say how far the audit log is: the restored store goes on with the log that it finds. */
function isOfLog(key: string): boolean {
  return key === CURSOR_KEY || (key >= OUTBOX_SPACE.gte && key < OUTBOX_SPACE.lt)
}

function numbersRow(
  before: Renumbering | undefined,
  { backupRevision, revision }: RestoreOptions,
): KeyedRow {
  const { key, value } = renumberingOp(renumbered(before, backupRevision))
  return { key, value, createRevision: revision, modifyRevision: revision }
}

function recordRow({ id, backupRevision, revision, caller, nowMs }: RestoreOptions): KeyedRow {
  const detail = `backup ${id} of revision ${backupRevision}`
  const value = encodeOutbox(nowMs, [auditBody(caller, 'restore', 'ok', { detail })])
  return { key: outboxKey(1), value, createRevision: revision, modifyRevision: revision }
}
