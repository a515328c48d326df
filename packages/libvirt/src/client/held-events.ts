/** Events that wait for the replies of the calls which may have caused them. */

/** Events that are held at most; when there are more, the oldest wait no longer. */
const MAX_HELD = 1024

/**
 * A queue of events in the order in which they came. Servers send the event of a change before or after the reply to
 * it; whoever makes a change is to see its result first.
 */
export class HeldEvents<Event> {
  readonly #deliver: (event: Event) => void
  readonly #queue: { readonly event: Event; readonly after: number }[] = []
  /** Calls without a reply, in the order in which they were made. */
  readonly #open: Set<number> = new Set()
  #last = 0
  #scheduled = false

  /** @param deliver - called in a task of its own, not while `take` runs; must not throw */
  constructor(deliver: (event: Event) => void) {
    this.#deliver = deliver
  }

  /** A call is made. @returns what is to be called once it has its reply */
  begin(): () => void {
    this.#last += 1
    const call = this.#last
    this.#open.add(call)
    return () => {
      this.#open.delete(call)
      this.#schedule()
    }
  }

  take(event: Event): void {
    this.#queue.push({ event, after: this.#last })
    this.#schedule()
  }

  /** Deliver all that is there, at once. */
  flush(): void {
    for (const { event } of this.#queue.splice(0)) this.#deliver(event)
  }

  /** A timer's task comes after everything that the reply sets going. */
  #schedule(): void {
    if (this.#scheduled || !this.#ready()) return
    this.#scheduled = true
    setTimeout(() => {
      this.#scheduled = false
      while (this.#ready()) {
        const next = this.#queue.shift()
        if (next !== undefined) this.#deliver(next.event)
      }
    }, 0)
  }

  #ready(): boolean {
    const [next] = this.#queue
    if (next === undefined) return false
    const [oldest] = this.#open
    return oldest === undefined || oldest > next.after || this.#queue.length > MAX_HELD
  }
}
