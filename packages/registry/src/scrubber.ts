/** Reads the whole store now and then, in slices beside the work, to find damage that nobody has asked for (DESIGN §5). */
import { type Engine, isStorageError, type ScrubFinding } from '@secreg/storage'

export interface ScrubberOptions {
  readonly engine: Engine
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number
  /** Whether rows can be checked under their key now. */
  readonly mayRun: () => boolean
  /** First scrub so long after the start, milliseconds. */
  readonly firstAfterMs: number
  /** Next scrub so long after the last, milliseconds. */
  readonly everyMs: number
  /** Told of what a scrub found wrong. */
  readonly onFindings: (findings: readonly ScrubFinding[]) => void
  /** Told of what a scrub could not do. */
  readonly onFault?: ((fault: unknown) => void) | undefined
}

export class Scrubber {
  readonly #options: ScrubberOptions
  readonly #stop = new AbortController()
  #dueMs: number
  #running: Promise<void> | undefined
  #findings: readonly ScrubFinding[] = []
  #finishedMs: number | undefined

  constructor(options: ScrubberOptions) {
    this.#options = options
    this.#dueMs = options.monotonicMs() + options.firstAfterMs
  }

  /** What the last whole scrub found wrong; empty when everything was right. */
  get findings(): readonly ScrubFinding[] {
    return this.#findings
  }

  /** When the last whole scrub ended, monotonic milliseconds; `undefined` when there was none. */
  get finishedMs(): number | undefined {
    return this.#finishedMs
  }

  /** Start one when it is due; called now and then. */
  tick(): void {
    const { monotonicMs, mayRun } = this.#options
    if (this.#running !== undefined || monotonicMs() < this.#dueMs || !mayRun()) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Have the next one begin now. */
  hasten(): void {
    this.#dueMs = Math.min(this.#dueMs, this.#options.monotonicMs())
  }

  /** Stop the one that runs. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { engine, monotonicMs, everyMs, onFindings, onFault } = this.#options
    const { signal } = this.#stop
    try {
      this.#findings = (await engine.scrub({ signal })).findings
      this.#finishedMs = monotonicMs()
      if (this.#findings.length > 0) onFindings(this.#findings)
    } catch (fault) {
      // Locked or closed on the way: the next one starts over.
      if (!signal.aborted && !isStorageError(fault)) onFault?.(fault)
    }
    this.#dueMs = monotonicMs() + everyMs
  }
}
