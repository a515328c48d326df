/** What the connections of one user may hold of the memory that all share: a part of it, so that others have room. */
import type { ByteBudget, ByteLease } from '@secreg/host'

/** Of the whole budget. */
const PART = 1 / 4

/** What one connection holds. */
export type PartLease = Pick<ByteLease, 'heldBytes' | 'tryTake' | 'release' | 'close'>

export class UidParts {
  readonly #budget: ByteBudget
  readonly #held = new Map<number, number>()

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** A lease on the budget that takes nothing beyond the part of its user; to be closed. */
  lease(uid: number): PartLease {
    const lease = this.#budget.lease()
    const most = this.#budget.totalBytes * PART
    const changed = (work: () => unknown): void => {
      const before = lease.heldBytes
      work()
      const held = this.#heldBy(uid) + lease.heldBytes - before
      if (held === 0) this.#held.delete(uid)
      else this.#held.set(uid, held)
    }
    return {
      get heldBytes() {
        return lease.heldBytes
      },
      tryTake: (bytes) => {
        let isTaken = false
        if (this.#heldBy(uid) + bytes > most) return isTaken
        changed(() => {
          isTaken = lease.tryTake(bytes)
        })
        return isTaken
      },
      release: (bytes) => changed(() => lease.release(bytes)),
      close: () => changed(() => lease.close()),
    }
  }

  #heldBy(uid: number): number {
    return this.#held.get(uid) ?? 0
  }
}
