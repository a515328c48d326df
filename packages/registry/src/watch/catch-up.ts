/** The way of a watch from the revision that its reader knows to the last one that was published. */
import { SecregError } from '@secreg/protocol'
import { type Engine, isStorageError } from '@secreg/storage'
import type { History } from './history.ts'
import type { Pace } from './pace.ts'
import type { Watch } from './watch.ts'

export interface CatchUpTools {
  readonly engine: Pick<Engine, 'trimmed'>
  readonly history: History
  readonly pace: Pace
  /** Revision of the last commit that may be told. */
  readonly published: () => number
  /** Make a watch live: called in the turn in which it has been told everything, so that nothing comes between. */
  readonly caughtUp: (watch: Watch) => void
}

/**
 * Tell a watch the past as fast as its reader takes it, until it has caught up or ended.
 *
 * @throws SecregError `ERR_REVISION_COMPACTED`, and what the store throws
 */
export async function catchUp(watch: Watch, tools: CatchUpTools): Promise<void> {
  const { caughtUp, engine, history, pace, published } = tools
  while (watch.state === 'behind') {
    if (watch.position >= published()) caughtUp(watch)
    else if (pace.isSpent) await pace.next()
    else if (!watch.hasRoom) await watch.room()
    else {
      try {
        const read = history.read(watch.position + 1, watch.offset, published())
        const { events, next } = read instanceof Promise ? await read : read
        if (watch.state === 'behind') watch.take(events, next)
      } catch (error) {
        if (isStorageError(error, 'ERR_STORAGE_TRIMMED')) throw compacted(engine.trimmed)
        if (!isStorageError(error, 'ERR_STORAGE_UNAVAILABLE')) throw error
        // The store is being brought back: nothing is lost meanwhile.
        await watch.woken()
      }
    }
  }
}

/** @param least - oldest revision from which the changes are known */
export function compacted(least: number): SecregError {
  return new SecregError(
    'REVISION_COMPACTED',
    `the changes since that revision are not kept any more: read what you watch anew, and watch since ${least} or later`,
    { minRevision: least },
  )
}
