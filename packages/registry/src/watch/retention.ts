/**
 * How long history is kept: 24 hours or a million events, whichever is less. A commit is never taken to be older than
 * one before it, nor than the time of one that is yet to come, so a clock that was wrong for a while drops nothing.
 */
import type { Engine } from '@secreg/storage'
import { decodeChangeHeader } from '../change.ts'
import { WATCH_LIMITS, type WatchLimits } from './limits.ts'

export interface RetentionOptions {
  readonly engine: Pick<Engine, 'changes' | 'trimmed' | 'trimChanges'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly monotonicMs: () => number
  /** Events since the store began. */
  readonly changeCount: () => number
  readonly limits?: Partial<WatchLimits>
}

/** A change row, as far as trimming goes by it. */
interface Row {
  readonly revision: number
  readonly timeMs: number
  readonly count: number
}

export class Retention {
  readonly #options: RetentionOptions
  readonly #limits: WatchLimits
  /** Latest time that a dropped row had, as far as it was past. */
  #passedMs = Number.NEGATIVE_INFINITY
  /** Events up to the last dropped row. */
  #passedCount = 0
  /** The oldest row, once it was read and had to stay. */
  #first: Row | undefined
  #nextAtMs = 0

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#limits = { ...WATCH_LIMITS, ...options.limits }
  }

  /** Drop what is due, some of it where it is much; called now and then. */
  async tick(): Promise<void> {
    const nowMs = this.#options.monotonicMs()
    if (nowMs < this.#nextAtMs) return
    const more = await this.#trim()
    if (!more) this.#nextAtMs = nowMs + this.#limits.trimEveryMs
  }

  /** @returns whether there may be more to drop */
  async #trim(): Promise<boolean> {
    const { engine } = this.#options
    const { trimmed } = engine
    if (this.#first?.revision === trimmed + 1 && !this.#isDue(this.#first)) return false
    let last = trimmed
    let rows = 0
    for await (const { revision, payload } of engine.changes(trimmed)) {
      const row =
        payload === undefined
          ? { timeMs: Number.NEGATIVE_INFINITY, count: this.#passedCount }
          : decodeChangeHeader(payload)
      this.#first = { revision, ...row }
      if (!this.#isDue(this.#first)) break
      if (row.timeMs <= this.#options.now()) {
        this.#passedMs = Math.max(this.#passedMs, row.timeMs)
      }
      this.#passedCount = row.count
      last = revision
      rows++
      if (rows >= this.#limits.trimRows) break
    }
    if (last > trimmed) await engine.trimChanges(last)
    return rows >= this.#limits.trimRows
  }

  #isDue({ timeMs, count }: Row): boolean {
    const { changeCount, now } = this.#options
    if (changeCount() - count >= this.#limits.historyEvents) return true
    const nowMs = now()
    const sinceMs = timeMs <= nowMs ? Math.max(this.#passedMs, timeMs) : this.#passedMs
    return sinceMs > Number.NEGATIVE_INFINITY && nowMs - sinceMs > this.#limits.historyMs
  }
}
