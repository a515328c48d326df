import type { LogCursor } from '../cursor.ts'
import { GENESIS_HASH } from '../line.ts'
import type { ForwardBatch, ForwardLimits } from '../segments/read-after.ts'
import { SinkError } from './errors.ts'

export type { ForwardBatch, ForwardLimits, ForwardRecord } from '../segments/read-after.ts'

/** The log as sinks read it. */
export interface RecordSource {
  /** Last line that survives a loss of power; nothing behind it is given to a sink. */
  readonly synced: LogCursor
  /** The records behind a cursor, up to {@link synced}. */
  readAfter(cursor: LogCursor, limits: ForwardLimits): Promise<ForwardBatch>
}

/** Before the first line of any log. */
export const START_CURSOR: LogCursor = Object.freeze({
  segment: 1,
  offset: 0,
  sequence: 0,
  hash: GENESIS_HASH,
  revision: 0,
})

/**
 * Refuse a batch that does not go on from a cursor.
 * @throws SinkError `ERR_SINK_SOURCE`.
 */
export function assertFollows(from: LogCursor, { records, cursor, missed }: ForwardBatch): void {
  const first = records[0]
  let sequence = from.sequence + missed
  if (missed === 0 && first !== undefined && first.previous !== from.hash) {
    throw new SinkError('ERR_SINK_SOURCE', `line ${first.sequence} does not follow the cursor`)
  }
  for (const record of records) {
    if (record.sequence !== ++sequence) {
      throw new SinkError('ERR_SINK_SOURCE', `line ${sequence} is missing`)
    }
  }
  if (cursor.sequence !== sequence) {
    throw new SinkError('ERR_SINK_SOURCE', `the cursor is not at line ${sequence}`)
  }
}
