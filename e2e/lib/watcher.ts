/** Follows watches of one connection, and fails where a revision is out of order, doubled or split. */
import type { Wire } from './wire.ts'

/** An event, and the revision that it is of. */
export interface Seen {
  readonly revision: number
  readonly op: string
  readonly key: string
  readonly version: number
}

interface Message {
  readonly watch_id: number
  readonly revision: number
  readonly events: readonly Omit<Seen, 'revision'>[]
  readonly more?: boolean
  readonly overflow?: boolean
  readonly error?: { readonly reason: string; readonly min_revision?: number }
}

/** One watch. */
export class Watched {
  readonly id: number
  readonly generation: string
  /** Told whole up to here. */
  revision: number
  readonly seen: Seen[] = []
  /** The last message, when the watch has ended. */
  end: Message | undefined
  #parts: Seen[] = []
  #partOf: number | undefined

  constructor(answer: { watch_id: number; revision: number; generation: string }) {
    this.id = answer.watch_id
    this.revision = answer.revision
    this.generation = answer.generation
  }

  take(message: Message): void {
    const { revision, events, more, overflow, error } = message
    if (this.end !== undefined) throw new Error('told after its end')
    if (overflow === true || error !== undefined) {
      if (events.length > 0 || revision < this.revision) throw new Error('ended in the past')
      this.end = message
      this.revision = revision
      return
    }
    if (this.#partOf !== undefined && this.#partOf !== revision) throw new Error('a split revision')
    if (revision < this.revision || (revision === this.revision && events.length > 0)) {
      throw new Error(`revision ${revision} after ${this.revision}`)
    }
    for (const event of events) this.#parts.push({ revision, ...event })
    this.#partOf = more === true ? revision : undefined
    if (more === true) return
    this.revision = revision
    this.seen.push(...this.#parts)
    this.#parts = []
  }
}

/** The watches of one connection. */
export class Watcher {
  readonly wire: Wire
  readonly watches = new Map<number, Watched>()
  /** Messages of watches whose answer has arrived, but was not looked at yet. */
  readonly #early: Message[] = []
  fault: unknown
  #changed: (() => void)[] = []

  constructor(wire: Wire) {
    this.wire = wire
    wire.onPush = (message: Message) => {
      const watch = this.watches.get(message.watch_id)
      try {
        if (watch === undefined) this.#early.push(message)
        else watch.take(message)
      } catch (error) {
        this.fault ??= error
      }
      for (const changed of this.#changed.splice(0)) changed()
    }
  }

  async watch(request: object): Promise<Watched> {
    const watch = new Watched(await this.wire.ok('watch', request))
    this.watches.set(watch.id, watch)
    for (const message of this.#early) if (message.watch_id === watch.id) watch.take(message)
    return watch
  }

  /** Wait until a condition holds, which is looked at after each message. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.fault !== undefined) throw this.fault
      await Promise.race([
        new Promise<void>((resolve) => this.#changed.push(resolve)),
        this.wire.closed.then(() => {
          if (!condition()) throw new Error('the server closed')
        }),
      ])
    }
    if (this.fault !== undefined) throw this.fault
  }
}
