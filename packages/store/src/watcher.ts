/** Keeps a source watching: again after it ended, and again when there are more names. */
import { bounded } from './bounded.ts'
import { pause, type StoreClock } from './clock.ts'
import { Ending } from './ending.ts'
import { StoreError } from './errors.ts'
import { withJitter } from './options.ts'
import type { OnChange, SecretSource } from './source.ts'

const FIRST_WAIT_MS = 100
const MAX_WAIT_MS = 30_000
/** Names that come one after another are watched together. */
const GATHER_MS = 1000

export interface WatcherOptions {
  readonly watch: NonNullable<SecretSource['watch']>
  readonly clock: StoreClock
  readonly random: () => number
  readonly names: () => readonly string[]
  readonly onChange: OnChange
  readonly onError: (error: unknown) => void
  /** Ends it. */
  readonly ending: Ending
}

export class Watcher {
  readonly #options: WatcherOptions
  #restart: Ending | undefined
  #cancelGather: (() => void) | undefined

  constructor(options: WatcherOptions) {
    this.#options = options
    options.ending.onEnd((reason) => {
      this.#cancelGather?.()
      this.#restart?.end(reason)
    })
    void this.#run()
  }

  /** There are other names to watch. */
  namesChanged(): void {
    if (this.#options.ending.ended) return
    this.#cancelGather ??= this.#options.clock.after(
      GATHER_MS,
      () => {
        this.#cancelGather = undefined
        this.#restart?.end(new Error('other names are watched'))
      },
      true,
    )
  }

  async #run(): Promise<void> {
    const { clock, random, ending, onError } = this.#options
    let waitMs = FIRST_WAIT_MS
    while (!ending.ended) {
      const sinceMs = clock.nowMs()
      const restart = new Ending()
      this.#restart = restart
      const error = await this.#watch(restart)
      if (ending.ended) return
      if (restart.ended) continue
      onError(error)
      if (clock.nowMs() - sinceMs >= MAX_WAIT_MS) waitMs = FIRST_WAIT_MS
      // Names that come now end the rest: one of them may be what can be watched.
      await pause(clock, withJitter(waitMs, random), restart, true)
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)
    }
  }

  /** Watch until it ends. @returns why */
  async #watch(restart: Ending): Promise<unknown> {
    const { watch, clock, names, onChange } = this.#options
    const watched = names()
    const told: OnChange = (changed) => {
      if (!restart.ended) onChange(changed)
    }
    try {
      await bounded(clock, 0, restart, (signal) =>
        watched.length > 0 ? watch(watched, told, { signal }) : new Promise<never>(() => {}),
      )
      return new StoreError('ERR_STORE_WATCH_ENDED', 'the source has stopped watching')
    } catch (error) {
      return error
    }
  }
}
