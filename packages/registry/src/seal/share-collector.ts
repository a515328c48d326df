/**
 * Shares that have been given for an unlock, by several people over several requests (DESIGN §6).
 *
 * Nothing is learnt about a share before as many are there as are needed: one with a valid checksum counts, genuine or
 * not. One that was given already does not count again; one that bears the number of another and has other content
 * counts as its own, since refusing either would tell which numbers are there. When enough are there they leave the
 * collection, whatever comes of them: if one is not genuine, all of them have to be given again.
 */
import { type ShamirProtector, wipe } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import type { ShareProgress } from '@secreg/protocol'

/** How long shares wait for the next one, milliseconds. */
export const SHARES_WAIT_MS: number = 15 * 60_000

interface Collection {
  readonly recovery: boolean
  readonly need: number
  /** Texts in their shortest form, ASCII: bytes can be wiped, and text cannot. */
  readonly shares: Uint8Array[]
  touchedMs: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class ShareCollector {
  readonly #monotonicMs: () => number
  /** By protector. Never more than its threshold of each. */
  readonly #collections = new Map<string, Collection>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** What is there, of each set. */
  get progress(): readonly ShareProgress[] {
    return [...this.#collections.values()].map(progressOf)
  }

  /** One attempt at a time: whoever comes while enough shares are tried waits for what comes of it. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    this.#turn = result.catch(() => {})
    return result
  }

  /**
   * Take a share of the set of a protector.
   *
   * @param text - with a valid checksum
   * @returns false when it was there already
   */
  add(protector: ShamirProtector, text: string): boolean {
    let collection = this.#collections.get(protector.id)
    if (collection === undefined) {
      collection = {
        recovery: protector.recovery === true,
        need: protector.threshold,
        shares: [],
        touchedMs: 0,
      }
      this.#collections.set(protector.id, collection)
    }
    const share = compact(text)
    if (collection.shares.some((other) => nodeBackend.equal(other, share))) {
      wipe(share)
      return false
    }
    collection.shares.push(share)
    collection.touchedMs = this.#monotonicMs()
    return true
  }

  /** How far the set of a protector is. */
  progressOf(protector: ShamirProtector): ShareProgress {
    const { id, threshold: need, recovery } = protector
    const collection = this.#collections.get(id)
    return collection === undefined
      ? { have: 0, need, ...(recovery === true ? { recovery } : {}) }
      : progressOf(collection)
  }

  /** Take the shares of a protector out, as texts. */
  take(protector: ShamirProtector): string[] {
    const texts = (this.#collections.get(protector.id)?.shares ?? []).map((share) =>
      decoder.decode(share),
    )
    this.#forget(protector.id)
    return texts
  }

  /** Take one share back. */
  remove(protector: ShamirProtector, text: string): void {
    const collection = this.#collections.get(protector.id)
    if (collection === undefined) return
    const share = compact(text)
    const at = collection.shares.findIndex((other) => nodeBackend.equal(other, share))
    wipe(share, ...(at < 0 ? [] : collection.shares.splice(at, 1)))
    if (collection.shares.length === 0) this.#collections.delete(protector.id)
  }

  /** Forget everything. */
  reset(): void {
    for (const id of [...this.#collections.keys()]) this.#forget(id)
  }

  /** Forget what has waited too long. */
  sweep(): void {
    const untilMs = this.#monotonicMs() - SHARES_WAIT_MS
    for (const [id, { touchedMs }] of this.#collections) if (touchedMs <= untilMs) this.#forget(id)
  }

  #forget(id: string): void {
    wipe(...(this.#collections.get(id)?.shares ?? []))
    this.#collections.delete(id)
  }
}

function progressOf({ shares, need, recovery }: Collection): ShareProgress {
  return { have: shares.length, need, ...(recovery ? { recovery } : {}) }
}

function compact(text: string): Uint8Array {
  return encoder.encode(compactShare(text))
}

/** The one text of a share among those that are read alike. */
export function compactShare(text: string): string {
  return text.toUpperCase().replace(/[\s-]/g, '')
}
