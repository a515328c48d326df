/** Events of secrets as an asynchronous iteration. */
import { LibvirtConnectionError } from './connection-error.ts'
import type { Listener, SecretEvent } from './secret-events.ts'

/** Events that wait to be taken at most. */
const MAX_WAITING = 1024

/**
 * Events in the order in which they came. It ends when the signal fires, when it is left, and when the client is closed.
 * It throws `LibvirtConnectionError` when the connection ends otherwise (`CONNECTION_LOST` and others), and
 * `ERR_LIBVIRT_EVENTS_OVERFLOW` when more than 1,024 events wait to be taken: which were lost is not known.
 */
export interface SecretEventStream extends AsyncIterableIterator<SecretEvent> {
  /** Settles when the server tells every event from then on. Rejected as the first `next` is. */
  readonly ready: Promise<void>
  return(): Promise<IteratorResult<SecretEvent, undefined>>
}

/** Begins to listen. @returns what ends it */
export type Listen = (listener: Listener) => Promise<() => Promise<void>>

interface Taker {
  readonly resolve: (result: IteratorResult<SecretEvent, undefined>) => void
  readonly reject: (error: unknown) => void
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

/** Listens from when it is made. */
export class EventStream implements SecretEventStream {
  readonly ready: Promise<void>
  readonly #waiting: SecretEvent[] = []
  readonly #takers: Taker[] = []
  readonly #signal: AbortSignal | undefined
  readonly #stops: Promise<PromiseSettledResult<() => Promise<void>>[]>
  #over: { readonly error?: unknown } | undefined

  constructor(listens: readonly Listen[], signal?: AbortSignal) {
    const listener: Listener = {
      take: (event) => this.#take(event),
      end: (error) => this.#end(LibvirtConnectionError.is(error, 'CLOSED') ? {} : { error }),
    }
    const stops = listens.map((listen) => listen(listener))
    this.#stops = Promise.allSettled(stops)
    this.#signal = signal
    this.ready = Promise.all(stops).then(
      () => {},
      (error) => {
        this.#end({ error })
        throw error
      },
    )
    // Whoever looks at `next` alone is told there.
    this.ready.catch(() => {})
    signal?.addEventListener('abort', this.#aborted)
    if (signal?.aborted) this.#aborted()
  }

  next(): Promise<IteratorResult<SecretEvent, undefined>> {
    const value = this.#waiting.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    const over = this.#over
    if (over === undefined) {
      return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }))
    }
    this.#over = {}
    return 'error' in over ? Promise.reject(over.error) : Promise.resolve(DONE)
  }

  /** Cease to listen, and forget what was not taken. */
  async return(): Promise<IteratorResult<SecretEvent, undefined>> {
    this.#end({})
    this.#over = {}
    this.#waiting.length = 0
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  readonly #aborted = (): void => {
    this.#waiting.length = 0
    this.#end({})
  }

  #take(event: SecretEvent): void {
    if (this.#over !== undefined) return
    const taker = this.#takers.shift()
    if (taker !== undefined) taker.resolve({ done: false, value: event })
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event)
    else this.#end({ error: new LibvirtConnectionError('EVENTS_OVERFLOW') })
  }

  #end(over: { readonly error?: unknown }): void {
    if (this.#over !== undefined) return
    this.#signal?.removeEventListener('abort', this.#aborted)
    const [first, ...others] = this.#takers.splice(0)
    // What went wrong is told once.
    if (first !== undefined && 'error' in over) first.reject(over.error)
    else first?.resolve(DONE)
    for (const taker of others) taker.resolve(DONE)
    this.#over = first === undefined ? over : {}
    void this.#stop()
  }

  async #stop(): Promise<void> {
    for (const stop of await this.#stops) {
      // A connection that has ended, or a server that does not forget: nothing more is told here.
      if (stop.status === 'fulfilled') await stop.value().catch(() => {})
    }
  }
}
