/** Makes the files of the store as small as they can be, one compaction at a time, beside the work. */
import type { Engine } from '@secreg/storage'
import { LongJob } from './long-job.ts'

export interface CompactorOptions {
  readonly engine: Pick<Engine, 'compact'>
  /** Bytes of the files of the store; default not known. */
  readonly storeBytes?: (() => Promise<number>) | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of what has failed: nobody may be waiting any more. */
  readonly onFault?: ((fault: unknown) => void) | undefined
  readonly waitMs?: number
}

/** How far one compaction is. */
export interface Compaction extends Progress {
  readonly job: number
  readonly done: boolean
}

interface Progress {
  readonly startedAtMs: number
  readonly bytesBefore: number | undefined
  readonly bytesAfter: number | undefined
}

export class Compactor {
  readonly #job: LongJob<Progress>

  constructor({ engine, storeBytes, now, onFault, waitMs }: CompactorOptions) {
    this.#job = new LongJob<Progress>({
      what: 'compaction',
      begin: () => ({ startedAtMs: now(), bytesBefore: undefined, bytesAfter: undefined }),
      run: async (_, tell, signal) => {
        const startedAtMs = now()
        const bytesBefore = await storeBytes?.()
        tell({ startedAtMs, bytesBefore, bytesAfter: undefined })
        await engine.compact('', '', { signal })
        tell({ startedAtMs, bytesBefore, bytesAfter: await storeBytes?.() })
      },
      onFault,
      waitMs,
    })
  }

  /** Begin one, unless one is running. @returns its number */
  start(): number {
    return this.#job.start(undefined)
  }

  /**
   * Wait some seconds for the end of one.
   *
   * @throws SecregError `ERR_NOT_FOUND` for one that is not known any more; why it has failed
   */
  async settle(job: number): Promise<Compaction> {
    const { done, state } = await this.#job.settle(job)
    return { job, done, ...state }
  }

  /** Stop the one that runs. */
  close(): Promise<void> {
    return this.#job.close()
  }
}
