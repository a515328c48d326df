/** Work that takes longer than an answer may: one run at a time, waited for by its number, told how far it is. */
import { SecregError } from '@secreg/protocol'
import { asSecregError } from './store-failure.ts'

/** How long an answer waits for the end, milliseconds; the work goes on afterwards. */
const WAIT_MS = 10_000

export interface LongJobOptions<S, A> {
  /** What one is, for messages. */
  readonly what: string
  /** How far one is that has just begun. */
  readonly begin: (asked: A) => S
  /** Do it. @param tell - how far it is now */
  readonly run: (asked: A, tell: (state: S) => void, signal: AbortSignal) => Promise<void>
  /** Told of what has failed: nobody may be waiting any more. */
  readonly onFault?: ((fault: unknown) => void) | undefined
  readonly waitMs?: number | undefined
}

/** How far one run is. */
export interface JobState<S> {
  /** From 1. */
  readonly job: number
  readonly done: boolean
  readonly state: S
}

interface Run<S> {
  readonly job: number
  state: S
  done: boolean
  failure?: SecregError
  /** Never rejects. */
  readonly ended: Promise<void>
}

export class LongJob<S, A = undefined> {
  readonly #options: LongJobOptions<S, A>
  readonly #stop = new AbortController()
  #last: Run<S> | undefined
  #jobs = 0

  constructor(options: LongJobOptions<S, A>) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#last !== undefined && !this.#last.done
  }

  /** Begin one, unless one is running: then it is that one. @returns its number */
  start(asked: A): number {
    if (this.#last !== undefined && !this.#last.done) return this.#last.job
    const run: Run<S> = {
      job: ++this.#jobs,
      state: this.#options.begin(asked),
      done: false,
      ended: Promise.resolve().then(() => this.#run(run, asked)),
    }
    this.#last = run
    return run.job
  }

  /**
   * Wait some seconds for the end of one.
   *
   * @throws SecregError `ERR_NOT_FOUND` for one that is not known any more; why it has failed
   */
  async settle(job: number): Promise<JobState<S>> {
    const run = this.#last
    if (run === undefined || run.job !== job) {
      throw new SecregError(
        'NOT_FOUND',
        `no such ${this.#options.what} since the daemon was started`,
      )
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.waitMs ?? WAIT_MS)
    })
    await Promise.race([run.ended, late])
    clearTimeout(timer)
    if (run.failure !== undefined) throw run.failure
    return { job, done: run.done, state: run.state }
  }

  /** Stop the one that runs. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#last?.ended
  }

  async #run(run: Run<S>, asked: A): Promise<void> {
    const { signal } = this.#stop
    const tell = (state: S): void => {
      run.state = state
    }
    try {
      signal.throwIfAborted()
      await this.#options.run(asked, tell, signal)
    } catch (cause) {
      const error = asSecregError(cause)
      if (!signal.aborted) this.#options.onFault?.(error)
      run.failure = signal.aborted
        ? new SecregError('SHUTTING_DOWN', 'the registry is stopping')
        : error
    }
    run.done = true
  }
}
