/**
 * What the daemon pushes for one watch, put together to whole revisions and kept, within bounds, until the consumer
 * takes it.
 */
import type { ChangeEvent, WatchEventMessage } from '@secreg/protocol'
import { errorOfAnswer } from './failure.ts'
import { Fifo } from './fifo.ts'
import type { ChangeBatch, Watch } from './watch.ts'
import { WatchOverflowError } from './watch-overflow-error.ts'

/** Bytes of messages that are kept for a consumer who does not read. */
export const MAX_BUFFERED_BYTES: number = 16 * 1024 * 1024

/**
 * One revision is never split, so one that is larger than the bounds is still taken, alone, up to here: the daemon
 * writes at most half a million rows in one revision.
 */
export const MAX_REVISION_EVENTS = 1_000_000
const MAX_REVISION_BYTES = 256 * 1024 * 1024

/** Options of a stream. */
export interface WatchStreamOptions {
  /** Everything up to here is known to the consumer. */
  readonly revision: number
  readonly generation: string
  /** Whether empty batches are given. */
  readonly progress: boolean
  readonly maxEvents: number
  /** Tell the daemon that the watch is over; called at most once, and never after its end was taken. */
  readonly leave: () => Promise<void>
  /** Nothing more is taken; called once. */
  readonly ended: () => void
}

interface Kept {
  batch: ChangeBatch
  readonly bytes: number
}

interface Waiter {
  readonly resolve: (result: IteratorResult<ChangeBatch, undefined>) => void
  readonly reject: (error: unknown) => void
}

const DONE: IteratorResult<ChangeBatch, undefined> = Object.freeze({ done: true, value: undefined })

/** One watch of a connection. */
export class WatchStream implements Watch, AsyncIterator<ChangeBatch, undefined> {
  readonly generation: string
  readonly #options: WatchStreamOptions
  /** Given to the consumer. */
  #revision: number
  /** Received whole. */
  #received: number
  readonly #kept = new Fifo<Kept>()
  #keptEvents = 0
  #keptBytes = 0
  /** Beginning of a revision that goes on in the next message. */
  #part: { readonly revision: number; readonly events: ChangeEvent[]; bytes: number } | undefined
  #waiters: Waiter[] = []
  /** Set once nothing more comes; its error is given once, after what is kept. */
  #end: { failed: boolean; readonly error: unknown } | undefined
  #leaving: Promise<void> | undefined
  #unlisten: (() => void) | undefined

  constructor(options: WatchStreamOptions) {
    this.#options = options
    this.generation = options.generation
    this.#revision = options.revision
    this.#received = options.revision
  }

  get revision(): number {
    return this.#revision
  }

  /** Whether nothing more is taken. */
  get ended(): boolean {
    return this.#end !== undefined
  }

  /**
   * Take a message whose members have been checked.
   *
   * @param bytes - size of the message
   * @returns what is wrong with it, if it cannot follow the ones before it
   */
  take(message: WatchEventMessage, bytes: number): string | undefined {
    if (this.#end !== undefined) return undefined
    const { revision, events, more } = message
    if (revision < this.#received || (revision === this.#received && events.length > 0)) {
      return 'a revision comes twice'
    }
    const last = message.overflow === true || message.error !== undefined
    if (last) {
      if (more) return 'a watch ends within a revision'
      this.#takeLast(message, bytes)
      return undefined
    }
    const part = this.#part
    if (part !== undefined && part.revision !== revision) return 'a revision is not finished'
    if (part === undefined && !more) {
      this.#keep({ revision, events }, bytes)
      return undefined
    }
    this.#collect(message, bytes)
    return undefined
  }

  /** The connection, or the daemon, ended it: what is kept is still given. */
  fail(error: unknown): void {
    if (this.#end === undefined) this.#finish({ failed: true, error })
  }

  /** End it with the reason of a signal once that is aborted. */
  listen(signal: AbortSignal): void {
    const onAbort = (): void => this.abort(signal.reason)
    if (signal.aborted) onAbort()
    if (this.#end !== undefined) return
    signal.addEventListener('abort', onAbort, { once: true })
    this.#unlisten = () => signal.removeEventListener('abort', onAbort)
  }

  /** The consumer gave up: what is kept is dropped, and the iteration fails. */
  abort(reason: unknown): void {
    // Closed, or its end is told already.
    if (this.#end?.failed === false) return
    this.#stop({ failed: true, error: reason })
  }

  close(): Promise<void> {
    this.#stop({ failed: false, error: undefined })
    return this.#leaving ?? Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [Symbol.asyncIterator](): AsyncIterator<ChangeBatch, undefined> {
    return this
  }

  next(): Promise<IteratorResult<ChangeBatch, undefined>> {
    const kept = this.#kept.shift()
    if (kept !== undefined) {
      this.#keptEvents -= kept.batch.events.length
      this.#keptBytes -= kept.bytes
      this.#revision = this.#kept.length === 0 ? this.#received : kept.batch.revision
      return Promise.resolve({ done: false, value: kept.batch })
    }
    const end = this.#end
    if (end === undefined) {
      return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
    }
    if (!end.failed) return Promise.resolve(DONE)
    end.failed = false
    return Promise.reject(end.error)
  }

  async return(): Promise<IteratorResult<ChangeBatch, undefined>> {
    await this.close()
    return DONE
  }

  /** The last message of a watch: its events are told with it, but a revision that was not finished never will be. */
  #takeLast(message: WatchEventMessage, bytes: number): void {
    const { revision, events } = message
    if (this.#part === undefined) {
      if (events.length > 0) this.#keep({ revision, events }, bytes)
      else this.#pass(revision)
    }
    if (this.#end !== undefined) return
    if (message.error !== undefined) this.fail(errorOfAnswer(message.error))
    else this.fail(tooSlow(this.#received, 'the daemon could not keep more changes for it'))
  }

  /** One of several messages of a revision. */
  #collect(message: WatchEventMessage, bytes: number): void {
    const { revision, events, more } = message
    this.#part ??= { revision, events: [], bytes: 0 }
    const part = this.#part
    for (const event of events) part.events.push(event)
    part.bytes += bytes
    if (!this.#fits(part.events.length, part.bytes)) return
    if (more) return
    this.#part = undefined
    this.#keep({ revision, events: part.events }, part.bytes)
  }

  /** Give a batch to who waits for it, or keep it. */
  #keep(batch: ChangeBatch, bytes: number): void {
    if (batch.events.length === 0) {
      this.#pass(batch.revision)
      if (!this.#options.progress || this.#renew(batch)) return
    } else if (!this.#fits(batch.events.length, bytes)) return
    this.#received = batch.revision
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) {
      this.#revision = batch.revision
      waiter.resolve({ done: false, value: batch })
      return
    }
    this.#kept.push({ batch, bytes })
    this.#keptEvents += batch.events.length
    this.#keptBytes += bytes
  }

  /** Nothing happened up to a revision. */
  #pass(revision: number): void {
    this.#received = revision
    if (this.#kept.length === 0) this.#revision = revision
  }

  /** Let a progress notice take the place of one that nobody has read. */
  #renew(batch: ChangeBatch): boolean {
    const { last } = this.#kept
    if (last?.batch.events.length !== 0) return false
    last.batch = batch
    return true
  }

  /** Check that so much can be kept beside what is; otherwise the watch is given up. */
  #fits(events: number, bytes: number): boolean {
    const alone = this.#kept.length === 0
    if (
      alone
        ? events <= MAX_REVISION_EVENTS && bytes <= MAX_REVISION_BYTES
        : this.#keptEvents + events <= this.#options.maxEvents &&
          this.#keptBytes + bytes <= MAX_BUFFERED_BYTES
    ) {
      return true
    }
    const why = alone ? 'one revision is too large' : 'too many changes wait to be read'
    this.fail(tooSlow(this.#received, why))
    this.#leaving = this.#options.leave()
    return false
  }

  /** End it for the consumer, and for the daemon where it has not ended yet. */
  #stop(end: { failed: boolean; error: unknown }): void {
    const live = this.#end === undefined
    this.#kept.drain()
    this.#keptEvents = 0
    this.#keptBytes = 0
    this.#finish(end)
    if (live) this.#leaving = this.#options.leave()
  }

  #finish(end: { failed: boolean; error: unknown }): void {
    this.#part = undefined
    const first = this.#end === undefined
    this.#end = end
    if (first) {
      this.#options.ended()
      this.#unlisten?.()
    }
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) {
      if (end.failed) {
        end.failed = false
        waiter.reject(end.error)
      } else waiter.resolve(DONE)
    }
  }
}

function tooSlow(revision: number, why: string): WatchOverflowError {
  return new WatchOverflowError(
    `the watch has ended because ${why}; watch again since revision ${revision}`,
    revision,
  )
}
