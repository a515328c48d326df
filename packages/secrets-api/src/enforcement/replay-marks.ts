/**
 * Marks of what must not come again within a time. A mark is never forgotten before: where there is no room, nothing new
 * is accepted, of one owner or, at worst, of anybody.
 */
import { assertRoom, type RoomLimits, sizeOfKey } from './owned-cache.ts'

/** What became of a mark: there was none, there is one already, or it cannot be kept. */
export type MarkOutcome = 'new' | 'seen' | 'full'

interface Mark {
  readonly owner: string
  readonly untilMs: number
}

/** Marks of one lifetime. */
export class ReplayMarks {
  readonly #ttlMs: number
  readonly #limits: RoomLimits
  readonly #nowMs: () => number
  /** All live equally long, so the first ends first. */
  readonly #marks = new Map<string, Mark>()
  readonly #ownerBytes = new Map<string, number>()
  #bytes = 0

  /**
   * @param ttlMs - milliseconds that a mark lives
   * @param nowMs - monotonic clock, milliseconds
   */
  constructor(ttlMs: number, limits: RoomLimits, nowMs: () => number) {
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1) {
      throw new RangeError('ttlMs: expected a positive integer')
    }
    assertRoom('room', limits)
    this.#ttlMs = ttlMs
    this.#limits = limits
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#marks.size
  }

  has(key: string): boolean {
    this.#forget()
    return this.#marks.has(key)
  }

  /** Mark, unless it is marked. */
  add(key: string, owner: string): MarkOutcome {
    this.#forget()
    if (this.#marks.has(key)) return 'seen'
    const size = sizeOfKey(key)
    const mine = (this.#ownerBytes.get(owner) ?? 0) + size
    if (mine > this.#limits.ownerBytes || this.#bytes + size > this.#limits.bytes) return 'full'
    this.#marks.set(key, { owner, untilMs: this.#nowMs() + this.#ttlMs })
    this.#ownerBytes.set(owner, mine)
    this.#bytes += size
    return 'new'
  }

  /** Seconds until the oldest mark ends, at least 1. */
  retryAfterSeconds(): number {
    const [first] = this.#marks.values()
    return Math.max(1, Math.ceil(((first?.untilMs ?? 0) - this.#nowMs()) / 1000))
  }

  #forget(): void {
    const nowMs = this.#nowMs()
    for (const [key, { owner, untilMs }] of this.#marks) {
      if (untilMs > nowMs) return
      const size = sizeOfKey(key)
      this.#marks.delete(key)
      this.#bytes -= size
      const left = (this.#ownerBytes.get(owner) ?? 0) - size
      if (left > 0) this.#ownerBytes.set(owner, left)
      else this.#ownerBytes.delete(owner)
    }
  }
}
