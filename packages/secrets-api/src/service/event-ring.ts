/** The last events of all tenants, for those who follow them or look back (specs: secrets-api §2.5, E17 and E18). */
import type { AuditEnvelope } from '../enforcement/audit-event.ts'
import type { SecretsEvents } from './service.ts'

interface Slot {
  readonly id: number
  readonly tenant: string
  readonly envelope: AuditEnvelope
}

interface Waiter {
  readonly tenant: string
  readonly wake: () => void
}

/** Most events of one answer. */
export const EVENTS_AT_ONCE = 100

/** Keeps events, the newest instead of the oldest. Ids ascend by 1, over all tenants. */
export class EventRing {
  readonly #size: number
  readonly #slots: (Slot | undefined)[]
  readonly #waiters = new Set<Waiter>()
  #count = 0
  #last: number

  /**
   * @param size - events that are kept, 1 or more
   * @param start - the first id is the next; with the time, ids also ascend over starts of the program
   * @throws RangeError
   */
  constructor(size: number, start: number) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError('ringSize: expected a positive integer')
    }
    this.#size = size
    this.#slots = new Array<Slot | undefined>(size)
    this.#last = Math.max(0, Math.floor(start))
  }

  /** Id of the last event of anybody. */
  get last(): number {
    return this.#last
  }

  add(tenant: string, envelopes: readonly AuditEnvelope[]): void {
    if (envelopes.length === 0) return
    for (const envelope of envelopes) {
      const id = ++this.#last
      this.#slots[id % this.#size] = { id, tenant, envelope }
      if (this.#count < this.#size) this.#count++
    }
    for (const waiter of this.#waiters) if (waiter.tenant === tenant) waiter.wake()
  }

  /** Events of a tenant, newest first. */
  newest(tenant: string): readonly AuditEnvelope[] {
    const found: AuditEnvelope[] = []
    for (let id = this.#last; id > this.#last - this.#count; id--) {
      const slot = this.#slots[id % this.#size]
      if (slot?.tenant === tenant) found.push(slot.envelope)
    }
    return found
  }

  /**
   * Events of a tenant behind an id, oldest first, at most 100.
   *
   * @param after - one that is still to come is of a clock that has been put back: then all that are kept
   */
  behind(tenant: string, after: number): SecretsEvents {
    const oldest = this.#last - this.#count + 1
    const events: { id: number; envelope: AuditEnvelope }[] = []
    for (let id = after > this.#last ? oldest : Math.max(after + 1, oldest); ; id++) {
      if (id > this.#last) return { events, after: this.#last }
      const slot = this.#slots[id % this.#size]
      if (slot?.tenant !== tenant) continue
      events.push({ id, envelope: slot.envelope })
      if (events.length === EVENTS_AT_ONCE) return { events, after: id }
    }
  }

  /** As {@link behind}, as soon as there are any, or none after a while. */
  async wait(
    tenant: string,
    after: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<SecretsEvents> {
    const found = this.behind(tenant, after)
    if (found.events.length > 0 || waitMs <= 0 || signal?.aborted === true) return found
    await new Promise<void>((resolve) => {
      const waiter: Waiter = { tenant, wake }
      const timer = setTimeout(wake, waitMs)
      const waiters = this.#waiters
      waiters.add(waiter)
      signal?.addEventListener('abort', wake, { once: true })
      function wake(): void {
        clearTimeout(timer)
        waiters.delete(waiter)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
    })
    return this.behind(tenant, found.after)
  }
}
