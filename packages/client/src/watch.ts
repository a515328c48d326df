/** A watch, as its consumer sees it. */
import type { ChangeEvent } from '@secreg/protocol'

/** Changes of one or several whole revisions, in order. */
export interface ChangeBatch {
  /** Everything up to this revision has been told with this batch. */
  readonly revision: number
  /** Empty only for a progress notice, which has to be asked for: nothing of this watch happened up to the revision. */
  readonly events: readonly ChangeEvent[]
}

/**
 * Changes as they are committed: ordered, without a gap, and no revision in two batches. It is read by one consumer;
 * leaving a `for await` loop closes it.
 *
 * The iteration fails with
 * * {@link WatchOverflowError} (`ERR_BUSY`) when the consumer was too slow, after what was kept for it; watch again
 *   since its `revision`
 * * `ERR_UNREACHABLE`, or what the daemon said last, when the connection is lost
 * * `ERR_TIMEOUT` when the daemon no longer answers
 * * any other `SecregError` when the daemon ended the watch, for example because the session ended
 */
export interface Watch extends AsyncIterable<ChangeBatch, undefined>, AsyncDisposable {
  /** Revision up to which everything was given to the consumer: resume with `since_revision` set to it. */
  readonly revision: number
  /** Life of the store that the revision is of: resume with `generation` set to it. */
  readonly generation: string

  /** The one iterator. */
  [Symbol.asyncIterator](): AsyncIterator<ChangeBatch, undefined>
  /** End it at once, without error; what is kept is dropped. Calling it again is harmless. */
  close(): Promise<void>
}
