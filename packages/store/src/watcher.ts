/** Keeps a source watching: again after it ended, and again when there are more names. */
import { abortable } from './bounded.ts'
import { pause, type StoreClock } from './clock.ts'
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
  readonly signal: AbortSignal
}

export class Watcher {
  readonly #options: WatcherOptions
  #restart: AbortController | undefined
  #cancelGather: (() => void) | undefined

  constructor(options: WatcherOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => {
      this.#cancelGather?.()
      this.#restart?.abort(options.signal.reason)
    })
    void this.#run()
  }

  /** There are other names to watch. */
  namesChanged(): void {
    if (this.#options.signal.aborted) return
    this.#cancelGather ??= this.#options.clock.after(
      GATHER_MS,
      () => {
        this.#cancelGather = undefined
        this.#restart?.abort(new Error('other names are watched'))
      },
      true,
    )
  }

  async #run(): Promise<void> {
    const { clock, random, signal, onError } = this.#options
    let waitMs = FIRST_WAIT_MS
    while (!signal.aborted) {
      const sinceMs = clock.nowMs()
      const restart = new AbortController()
      this.#restart = restart
      const error = await this.#watch(restart.signal)
      if (signal.aborted) return
      if (restart.signal.aborted) continue
      onError(error)
      if (clock.nowMs() - sinceMs >= MAX_WAIT_MS) waitMs = FIRST_WAIT_MS
      // Names that come now end the rest: one of them may be what can be watched.
      await pause(clock, withJitter(waitMs, random), restart.signal, true)
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)
    }
  }

  /** Watch until it ends. @returns why */
  async #watch(signal: AbortSignal): Promise<unknown> {
    const { watch, names, onChange } = this.#options
    const watched = names()
    try {
      if (watched.length === 0) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        return undefined
      }
      const told: OnChange = (changed) => {
        if (!signal.aborted) onChange(changed)
      }
      await abortable((async () => watch(watched, told, { signal }))(), signal)
      return new StoreError('ERR_STORE_WATCH_ENDED', 'the source has stopped watching')
    } catch (error) {
      return error
    }
  }
}
