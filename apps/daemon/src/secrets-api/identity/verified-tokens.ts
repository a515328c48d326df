/**
 * Tokens whose signature was good a short while ago: shown again, they cost no signature. They are known by their SHA-256
 * alone, so that nothing here can be shown to anybody.
 */
import { createHash } from 'node:crypto'

/** Bounds of {@link VerifiedTokens}. */
export const VERIFIED_LIMITS: {
  /** Longest time that one is kept, milliseconds. */
  readonly keepMs: number
  readonly entries: number
  /** Of all tokens together: what is kept of one is in proportion to it. */
  readonly chars: number
} = Object.freeze({ keepMs: 60_000, entries: 10_000, chars: 8_388_608 })

interface Entry<V> {
  readonly value: V
  readonly chars: number
  readonly untilMs: number
}

export class VerifiedTokens<V> {
  readonly #nowMs: () => number
  /** The one that was verified first goes first. */
  readonly #entries = new Map<string, Entry<V>>()
  #chars = 0

  /** @param nowMs - monotonic clock, milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#entries.size
  }

  get(token: string): V | undefined {
    const digest = digestOf(token)
    const entry = this.#entries.get(digest)
    if (entry === undefined) return undefined
    if (this.#nowMs() < entry.untilMs) return entry.value
    this.#delete(digest)
    return undefined
  }

  /** Keep one; its own end is for whoever asks for it to look at. */
  set(token: string, value: V): void {
    const { keepMs, entries, chars } = VERIFIED_LIMITS
    const digest = digestOf(token)
    this.#delete(digest)
    this.#entries.set(digest, { value, chars: token.length, untilMs: this.#nowMs() + keepMs })
    this.#chars += token.length
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= entries && this.#chars <= chars) break
      this.#delete(oldest)
    }
  }

  delete(token: string): void {
    this.#delete(digestOf(token))
  }

  #delete(digest: string): void {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return
    this.#entries.delete(digest)
    this.#chars -= entry.chars
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
