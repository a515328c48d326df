/** Tells the begin of a stream of events, which is asked for piece by piece, from its pieces. */

/** Milliseconds after which whoever has not asked for a piece begins anew: several longest waits. */
const GAP_MS = 60_000

/** Keys that are kept; one that is pushed out begins anew. */
const MOST = 1_000

/** When the pieces of streams were asked for last. */
export class StreamStarts {
  readonly #nowMs: () => number
  readonly #seen = new Map<string, number>()

  /** @param nowMs - monotonic clock, milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  isNew(key: string): boolean {
    const atMs = this.#seen.get(key)
    return atMs === undefined || this.#nowMs() - atMs > GAP_MS
  }

  touch(key: string): void {
    this.#seen.delete(key)
    this.#seen.set(key, this.#nowMs())
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > MOST && oldest !== undefined) this.#seen.delete(oldest)
  }
}
