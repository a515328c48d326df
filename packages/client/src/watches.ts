/** The watches of one connection: which message is whose, and that the connection is not ended as idle meanwhile. */
import type { RequestOf, WatchEventMessage, WatchResponse } from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import { decodePayload, type Frame } from '@secreg/wire-codec'
import { KeepAlive } from './keep-alive.ts'
import { integer, type WatchOptions } from './options.ts'
import type { Pipeline } from './pipeline.ts'
import { WATCH_EVENT } from './requests.ts'
import type { Watch } from './watch.ts'
import { MAX_REVISION_EVENTS, WatchStream } from './watch-stream.ts'

/** Bytes of messages that came before the answer that tells their watch. */
const MAX_EARLY_BYTES = 1024 * 1024

interface Early {
  readonly message: WatchEventMessage
  readonly bytes: number
}

/** Opens watches and gives each what is pushed for it. */
export class Watches {
  readonly #pipeline: Pipeline
  readonly #open = new Map<number, WatchStream>()
  /** Ended here, but the daemon has not said yet that it knows. */
  readonly #leaving = new Set<number>()
  readonly #early: Early[] = []
  #earlyBytes = 0
  #asking = false
  readonly #keepAlive: KeepAlive

  constructor(pipeline: Pipeline, keepAliveMs: number) {
    this.#pipeline = pipeline
    this.#keepAlive = new KeepAlive({
      intervalMs: keepAliveMs,
      lastSentMs: () => pipeline.lastSentMs,
      ask: () => void this.#ask(),
    })
  }

  /**
   * Open a watch.
   *
   * @throws SecregError what the daemon refuses with; TypeError, RangeError for a wrong option
   */
  async open(request: RequestOf<'watch'>, options: WatchOptions): Promise<Watch> {
    const { signal } = options
    const maxEvents = integer(
      options.maxBufferedEvents ?? 100_000,
      1,
      MAX_REVISION_EVENTS,
      'maxBufferedEvents',
    )
    let stream: WatchStream | undefined
    let failure: SecregError | undefined
    await this.#pipeline.request('watch', request, {
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(signal === undefined ? {} : { signal }),
      answered: (answer, dropped) => {
        if (answer !== undefined && dropped) {
          void this.#unwatch((answer as WatchResponse).watch_id)
        } else if (answer !== undefined) {
          const opened = this.#add(answer as WatchResponse, request, maxEvents)
          if (SecregError.is(opened)) failure = opened
          else stream = opened
        }
        if (!this.#pipeline.awaits('watch')) this.#dropEarly()
      },
    })
    if (stream === undefined) throw failure
    if (signal !== undefined) stream.listen(signal)
    return stream
  }

  /** Take a frame that the daemon pushed. */
  take(frame: Frame): void {
    let payload: Record<string, unknown>
    try {
      payload = decodePayload(frame.payload)
    } catch (error) {
      this.#pipeline.misunderstood('the payload of a change is not valid', error)
      return
    }
    const fault = WATCH_EVENT(payload, 'payload')
    if (fault !== undefined) {
      this.#pipeline.misunderstood(`member "${fault}" of a change is not valid`)
      return
    }
    this.#give(payload as unknown as WatchEventMessage, frame.payload.length)
  }

  /** The connection has ended. */
  end(error: SecregError): void {
    this.#keepAlive.stop()
    this.#dropEarly()
    for (const stream of [...this.#open.values()]) stream.fail(error)
  }

  #add(
    answer: WatchResponse,
    request: RequestOf<'watch'>,
    maxEvents: number,
  ): WatchStream | SecregError {
    const { watch_id: id, revision, generation } = answer
    const since = request.since_revision ?? revision
    if (this.#open.has(id)) return this.#pipeline.misunderstood('two watches have one number')
    const life = request.since_revision === undefined ? undefined : request.generation
    if (life !== undefined && life !== generation) {
      void this.#unwatch(id)
      return new SecregError('REVISION_COMPACTED', 'the store is another one: read it again')
    }
    // What happened in between would be missing.
    if (revision > since) return this.#pipeline.misunderstood('a watch begins too late')
    const stream = new WatchStream({
      revision: since,
      generation,
      progress: request.progress === true,
      maxEvents,
      leave: () => this.#unwatch(id),
      ended: () => this.#remove(id),
    })
    this.#open.set(id, stream)
    this.#keepAlive.start()
    for (const { message, bytes } of this.#early) {
      if (message.watch_id === id) this.#deliver(stream, message, bytes)
    }
    return stream
  }

  #give(message: WatchEventMessage, bytes: number): void {
    const stream = this.#open.get(message.watch_id)
    if (stream !== undefined) {
      this.#deliver(stream, message, bytes)
      return
    }
    // An unwatch crosses with what is under way.
    if (this.#leaving.has(message.watch_id) || !this.#pipeline.awaits('watch')) return
    this.#early.push({ message, bytes })
    this.#earlyBytes += bytes
    if (this.#earlyBytes > MAX_EARLY_BYTES) {
      this.#pipeline.misunderstood('it sends changes before it answers the watch')
    }
  }

  #deliver(stream: WatchStream, message: WatchEventMessage, bytes: number): void {
    const fault = stream.take(message, bytes)
    if (fault !== undefined) this.#pipeline.misunderstood(`of the changes, ${fault}`)
  }

  #remove(id: number): void {
    this.#open.delete(id)
    if (this.#open.size === 0) this.#keepAlive.stop()
  }

  async #unwatch(id: number): Promise<void> {
    this.#leaving.add(id)
    try {
      await this.#pipeline.request('unwatch', { watch_id: id }, { always: true })
    } catch {
      // It has ended there as well, or goes with the connection.
    } finally {
      this.#leaving.delete(id)
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      await this.#pipeline.request('status', {}, { always: true })
    } catch (error) {
      if (!SecregError.is(error) || error.reason !== 'TIMEOUT') return
      // Nothing would come of a daemon that hangs, and nobody would know.
      for (const [id, stream] of [...this.#open]) {
        stream.fail(error)
        void this.#unwatch(id)
      }
    } finally {
      this.#asking = false
    }
  }

  #dropEarly(): void {
    this.#early.length = 0
    this.#earlyBytes = 0
  }
}
