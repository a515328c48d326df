/** Keeps a cache up to date: one write at a time, and not more than one a second. */
import { wipe } from '@secreg/crypto'
import type { SecretCache } from './cache.ts'
import type { StoreClock } from './clock.ts'

/** Rest after a write, so that values that change all the time do not keep the disk busy. */
const REST_MS = 1000
/** Longest rest after writes that failed. */
const MAX_REST_MS = 64_000

export interface CacheWriterOptions {
  readonly cache: SecretCache
  readonly clock: StoreClock
  /** What to write, a copy. */
  readonly snapshot: () => Uint8Array
  readonly onError: (error: unknown) => void
}

export class CacheWriter {
  readonly #options: CacheWriterOptions
  #dirty = false
  #failures = 0
  #writing: Promise<void> | undefined
  #cancelRest: (() => void) | undefined

  constructor(options: CacheWriterOptions) {
    this.#options = options
  }

  /** Have what there is now written soon. */
  mark(): void {
    this.#dirty = true
    if (this.#writing === undefined && this.#cancelRest === undefined) void this.#write()
  }

  /** Write now what has not been written, and nothing more later. */
  async flush(): Promise<void> {
    await this.#writing
    this.#cancelRest?.()
    if (this.#dirty) await this.#write()
    this.#cancelRest?.()
  }

  #write(): Promise<void> {
    this.#writing = this.#writeOnce().finally(() => {
      this.#writing = undefined
      this.#cancelRest = this.#options.clock.after(
        Math.min(MAX_REST_MS, REST_MS * 2 ** this.#failures),
        () => this.#rested(),
        true,
      )
    })
    return this.#writing
  }

  #rested(): void {
    this.#cancelRest = undefined
    if (this.#dirty) void this.#write()
  }

  async #writeOnce(): Promise<void> {
    const { cache, snapshot, onError } = this.#options
    // After what changes in the same turn.
    await Promise.resolve()
    this.#dirty = false
    const bytes = snapshot()
    try {
      await cache.write(bytes)
      this.#failures = 0
    } catch (error) {
      this.#dirty = true
      this.#failures++
      onError(error)
    } finally {
      wipe(bytes)
    }
  }
}
