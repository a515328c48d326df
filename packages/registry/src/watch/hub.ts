/**
 * All watches of one registry: each reads history until it has caught up with what was published, is then told of each
 * commit as it is published, and goes back to history for a commit that is too large to be told at once.
 */
import { type ChangeEvent, SecregError } from '@secreg/protocol'
import { type Engine, isStorageError } from '@secreg/storage'
import { sessionInvalid } from '../identity.ts'
import { asSecregError } from '../store-failure.ts'
import { type CatchUpTools, catchUp, compacted } from './catch-up.ts'
import { History } from './history.ts'
import { WATCH_LIMITS, type WatchLimits } from './limits.ts'
import { Pace } from './pace.ts'
import type { WatchSink } from './sink.ts'
import { Watch, type WatchHost, type WatchRequest } from './watch.ts'
import { WatchIndex } from './watch-index.ts'

export interface WatchHubOptions extends Pick<WatchHost, 'mayTell' | 'monotonicMs'> {
  readonly engine: Pick<Engine, 'head' | 'trimmed' | 'generation' | 'changes'>
  readonly limits?: Partial<WatchLimits>
  /** Told of failures that are not a watch's own. */
  readonly onFault?: ((fault: unknown) => void) | undefined
}

export interface OpenWatch extends Omit<WatchRequest, 'since' | 'resumes'> {
  /** Begin after this revision instead of now. */
  readonly since?: number | undefined
  /** Life of the store that the revision is of. */
  readonly generation?: string | undefined
}

export class WatchHub {
  readonly #engine: WatchHubOptions['engine']
  readonly #host: WatchHost
  readonly #history: History
  readonly #tools: CatchUpTools
  readonly #onFault: ((fault: unknown) => void) | undefined
  readonly #watches = new Set<Watch>()
  readonly #live = new WatchIndex<Watch>()
  #published: number
  #closed: SecregError | undefined

  constructor({ engine, limits, mayTell, monotonicMs, onFault }: WatchHubOptions) {
    const all: WatchLimits = { ...WATCH_LIMITS, ...limits }
    this.#engine = engine
    this.#published = engine.head
    this.#onFault = onFault
    this.#history = new History(engine, all)
    this.#host = { limits: all, mayTell, monotonicMs, ended: (watch) => this.#forget(watch) }
    this.#tools = {
      engine,
      history: this.#history,
      pace: new Pace(),
      published: () => this.#published,
      caughtUp: (watch) => this.#goLive(watch),
    }
  }

  /** Revision of the last commit that may be told. */
  get published(): number {
    return this.#published
  }

  get size(): number {
    return this.#watches.size
  }

  get generation(): string {
    return this.#engine.generation
  }

  /**
   * Make a watch; nothing is told before {@link start}.
   *
   * @throws SecregError `ERR_REVISION_COMPACTED`, `ERR_INVALID_ARGUMENT` for a revision that is yet to come, `ERR_BUSY`
   */
  open(request: OpenWatch, sink: WatchSink): Watch {
    const { since, generation } = request
    if (this.#closed !== undefined) throw this.#closed
    if (since !== undefined && generation !== undefined && generation !== this.generation) {
      throw new SecregError(
        'REVISION_COMPACTED',
        `the store began anew since that revision: read what you watch anew, and watch since ${this.#published} without the old generation`,
        { minRevision: this.#published },
      )
    }
    if (since !== undefined && since > Math.max(this.#published, this.#engine.head)) {
      throw new SecregError('INVALID_ARGUMENT', 'there is no such revision yet')
    }
    if (since !== undefined && since < this.#engine.trimmed) throw compacted(this.#engine.trimmed)
    if (this.#watches.size >= this.#host.limits.watches) {
      throw new SecregError('BUSY', 'there are too many watches', { retryAfterSeconds: 10 })
    }
    const watch = new Watch(this.#host, sink, {
      ...request,
      since: since ?? this.#published,
      resumes: since !== undefined,
    })
    this.#watches.add(watch)
    return watch
  }

  /** Let a watch be told. */
  start(watch: Watch): void {
    if (watch.begin()) this.#follow(watch)
  }

  /** Tell of a commit; in the order of revisions, each once. A revision that is left out had no events. */
  publish(revision: number, events: readonly ChangeEvent[]): void {
    const before = this.#published
    this.#published = revision
    if (this.#watches.size === 0) return
    this.#history.remember(revision, events)
    if (events.length > this.#host.limits.liveEvents) {
      for (const watch of this.#watches) {
        if (watch.state === 'live') this.#goBehind(watch, before)
      }
      return
    }
    for (const [watches, own] of this.#live.match(events)) {
      for (const watch of watches) this.#guarded(watch, () => watch.tell(before, revision, own))
    }
  }

  /** End the watches whose caller is gone, tell of progress, and try again what failed; called now and then. */
  sweep(): void {
    this.#history.sweep()
    for (const watch of this.#watches) {
      this.#guarded(watch, () => {
        if (watch.sink.caller() === undefined) watch.fail(sessionInvalid(), this.#published)
        else watch.tellProgress(this.#published)
        if (watch.state === 'behind') watch.wake()
      })
    }
  }

  /** End all watches. */
  end(error: SecregError): void {
    for (const watch of this.#watches) {
      this.#guarded(watch, () => watch.fail(error, this.#published))
    }
    this.#history.clear()
  }

  /** End all watches and open no other. */
  close(error: SecregError): void {
    this.#closed ??= error
    this.end(error)
  }

  #goLive(watch: Watch): void {
    watch.state = 'live'
    this.#live.add(watch)
    watch.tellProgress(this.#published)
  }

  #goBehind(watch: Watch, before: number): void {
    this.#live.delete(watch)
    watch.fallBehind(before)
    // Not in the turn of the writer.
    setImmediate(() => this.#follow(watch))
  }

  #follow(watch: Watch): void {
    catchUp(watch, this.#tools).catch((cause: unknown) => {
      if (!SecregError.is(cause) && !isStorageError(cause)) this.#onFault?.(cause)
      this.#guarded(watch, () => watch.fail(asSecregError(cause)))
    })
  }

  #forget(watch: Watch): void {
    if (watch.state === 'live') this.#live.delete(watch)
    this.#watches.delete(watch)
  }

  /** A door that fails ends its watch and hurts nobody else. */
  #guarded(watch: Watch, run: () => void): void {
    try {
      run()
    } catch (fault) {
      this.#onFault?.(fault)
      watch.close()
    }
  }
}
