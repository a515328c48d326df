/** Operations as the writer takes them: what they plan, need and answer. */
import type { ChangeEvent, SecregError } from '@secreg/protocol'
import type { KeyedRow, Op } from '@secreg/storage'
import type { View } from './group-view.ts'
import type { Space } from './keys.ts'

/** A planned change, ready to be committed. */
export interface Plan<T> {
  readonly ops: readonly Op[]
  readonly events?: readonly ChangeEvent[]
  /** JSON text of the audit body, with its successful outcome; none for work that nobody asked for. */
  readonly record?: string
  /** What the caller is told, once the revision of the commit is known. */
  readonly result: (revision: number) => T
  /** Runs when the commit is durable and logged, before any answer of the group. */
  readonly publish?: (revision: number) => void
}

/** Rows that a plan needs before it can be made; they are read while nothing is in flight. */
export interface Scan {
  readonly scan: Space
  /** More rows than this refuse the operation, unless it needs no more of them. */
  readonly maxRows: number
  readonly stopAtMax?: boolean
  /** Rows that count and are handed to the plan; default all. */
  readonly keep?: (row: KeyedRow) => boolean
  /** Looks at the rows itself, page by page; then no row counts, and none is handed to the plan. */
  readonly take?: (rows: readonly KeyedRow[]) => Promise<void>
}

/** A plan that is made in steps, with turns of the event loop in between; nothing else is planned meanwhile. */
export interface Slices<T> {
  readonly slices: Generator<undefined, Plan<T>>
}

/** One operation that may change something. */
export interface WriteOperation<T> {
  /**
   * Decide and plan; synchronous, without side effects, and run again when a row was missing.
   *
   * @param rows - what the scan found, when the call before asked for one
   * @throws SecregError when it is refused; nothing of it is then written but its record
   */
  plan(view: View, rows?: readonly KeyedRow[]): Plan<T> | Scan | Slices<T>
  /** JSON text of the audit body when it was refused or could not be committed; none as above. */
  refusal(error: SecregError): string | undefined
}
