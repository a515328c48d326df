/** Makes the files of the store as small as they can be, one compaction at a time, beside the work. */
import { SecregError } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import { asSecregError } from './store-failure.ts'

/** How long an answer waits for the end, milliseconds; the compaction goes on afterwards. */
const WAIT_MS = 10_000

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
export interface Compaction {
  readonly job: number
  readonly done: boolean
  readonly startedAtMs: number
  readonly bytesBefore: number | undefined
  readonly bytesAfter: number | undefined
}

interface Run {
  state: Compaction
  /** Never rejects. */
  readonly ended: Promise<void>
  failure?: SecregError
}

export class Compactor {
  readonly #options: CompactorOptions
  readonly #stop = new AbortController()
  #last: Run | undefined
  #jobs = 0

  constructor(options: CompactorOptions) {
    this.#options = options
  }

  /** Begin one, unless one is running. @returns its number */
  start(): number {
    if (this.#last !== undefined && !this.#last.state.done) return this.#last.state.job
    this.#jobs++
    const state: Compaction = {
      job: this.#jobs,
      done: false,
      startedAtMs: this.#options.now(),
      bytesBefore: undefined,
      bytesAfter: undefined,
    }
    const run: Run = { state, ended: Promise.resolve().then(() => this.#run(run)) }
    this.#last = run
    return state.job
  }

  /**
   * Wait some seconds for the end of one.
   *
   * @throws SecregError `ERR_NOT_FOUND` for one that is not known any more; why it has failed
   */
  async settle(job: number): Promise<Compaction> {
    const run = this.#last
    if (run === undefined || run.state.job !== job) {
      throw new SecregError('NOT_FOUND', 'no such compaction since the daemon was started')
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.waitMs ?? WAIT_MS)
    })
    await Promise.race([run.ended, late])
    clearTimeout(timer)
    if (run.failure !== undefined) throw run.failure
    return run.state
  }

  /** Stop the one that runs. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#last?.ended
  }

  async #run(run: Run): Promise<void> {
    const { engine, storeBytes, onFault } = this.#options
    const { signal } = this.#stop
    try {
      signal.throwIfAborted()
      const bytesBefore = await storeBytes?.()
      run.state = { ...run.state, bytesBefore }
      await engine.compact('', '', { signal })
      run.state = { ...run.state, bytesAfter: await storeBytes?.() }
    } catch (cause) {
      const error = asSecregError(cause)
      if (!signal.aborted) onFault?.(error)
      run.failure = signal.aborted
        ? new SecregError('SHUTTING_DOWN', 'the registry is stopping')
        : error
    }
    run.state = { ...run.state, done: true }
  }
}
