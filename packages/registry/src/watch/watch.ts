/** One watch: what it is about, who reads it, how far it has been told, and the messages that tell it. */
import type { Caller, ChangeEvent, SecregError } from '@secreg/protocol'
import { errorPayload } from '../error-payload.ts'
import { sessionInvalid } from '../identity.ts'
import type { WatchLimits } from './limits.ts'
import { isInScope, type WatchScope } from './scope.ts'
import type { WatchSink } from './sink.ts'

/** What the watches of one registry share. */
export interface WatchHost {
  readonly limits: WatchLimits
  /** Whether a caller may be told of an event, as policy is now. */
  readonly mayTell: (caller: Caller, event: ChangeEvent) => boolean
  /** Monotonic, milliseconds. */
  readonly monotonicMs: () => number
  /** Take note that a watch has ended. */
  readonly ended: (watch: Watch) => void
}

/** `behind` reads history; `live` is told of each commit when it is published. */
export type WatchState = 'new' | 'behind' | 'live' | 'ended'

export interface WatchRequest {
  readonly scope: WatchScope
  /** Everything up to this revision is known to the reader. */
  readonly since: number
  /** Whether it begins in the past, so that its reader wants to know when it has caught up. */
  readonly resumes: boolean
  readonly progress: boolean
}

export class Watch {
  readonly scope: WatchScope
  readonly sink: WatchSink
  state: WatchState = 'new'
  /** Everything up to this revision has been told. Of a live one, when it last mattered. */
  position: number
  /** Where the next piece of the following revision begins. */
  offset = 0
  /** Told with the next message of that revision: only then it is known whether it is the last one. */
  held: readonly ChangeEvent[] = []
  readonly #host: WatchHost
  readonly #progress: boolean
  /** A first message of progress is due as soon as it is live. */
  #greets: boolean
  #progressAtMs: number
  #wake: (() => void) | undefined
  /** Why it ended before anything could be told. */
  #failure: SecregError | undefined

  constructor(host: WatchHost, sink: WatchSink, request: WatchRequest) {
    this.#host = host
    this.sink = sink
    this.scope = request.scope
    this.position = request.since
    this.#progress = request.progress
    this.#greets = request.progress && request.resumes
    this.#progressAtMs = host.monotonicMs()
  }

  /** The events of some that may be told; ends the watch when nobody is there any more. */
  allowed(events: readonly ChangeEvent[]): readonly ChangeEvent[] {
    if (events.length === 0) return events
    const caller = this.sink.caller()
    if (caller === undefined) {
      this.fail(sessionInvalid())
      return []
    }
    const { mayTell } = this.#host
    // Shared with other watches as long as nothing is left out.
    return events.every((event) => mayTell(caller, event))
      ? events
      : events.filter((event) => mayTell(caller, event))
  }

  /**
   * Tell of a commit at once.
   *
   * @param before - revision of the commit before it
   */
  tell(before: number, revision: number, events: readonly ChangeEvent[]): void {
    if (revision <= this.position) return
    this.position = Math.max(this.position, before)
    const told = this.allowed(events)
    if (told.length === 0 || this.state !== 'live') return
    const { unreadBytes, readerUnreadBytes } = this.#host.limits
    const { sink } = this
    if (sink.unreadBytes > unreadBytes || sink.readerUnreadBytes > readerUnreadBytes) {
      this.close()
      sink.send({ revision: before, events: [], overflow: true })
      return
    }
    this.position = revision
    sink.send({ revision, events: told })
  }

  /** Take what a piece of the revision after the position holds, and go on behind it. */
  take(events: readonly ChangeEvent[], next: number | undefined): void {
    const revision = this.position + 1
    const told = this.allowed(events.filter(({ key }) => isInScope(this.scope, key)))
    if (this.state !== 'behind') return
    if (told.length > 0) {
      if (this.held.length > 0) this.sink.send({ revision, events: this.held, more: true })
      this.held = told
    }
    if (next !== undefined) {
      this.offset = next
      return
    }
    const { held } = this
    this.held = []
    this.offset = 0
    this.position = revision
    if (held.length > 0) this.sink.send({ revision, events: held })
  }

  /**
   * Go back to history.
   *
   * @param before - revision of the last commit that has been told
   */
  fallBehind(before: number): void {
    this.position = Math.max(this.position, before)
    this.state = 'behind'
  }

  /** Whether its reader has taken enough to be told more of the past. */
  get hasRoom(): boolean {
    const { catchUpUnreadBytes, catchUpReaderUnreadBytes } = this.#host.limits
    const { unreadBytes, readerUnreadBytes } = this.sink
    return unreadBytes <= catchUpUnreadBytes && readerUnreadBytes <= catchUpReaderUnreadBytes
  }

  /** Wait until the reader takes something, or {@link wake}. */
  async room(): Promise<void> {
    const woken = this.woken()
    this.sink.onceTaken(() => this.wake())
    await woken
  }

  woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Let it look again whether it can go on. */
  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /**
   * Tell that nothing more happened, where that is wanted and due.
   *
   * @param published - revision of the last commit
   */
  tellProgress(published: number): void {
    if (!this.#progress || this.state !== 'live' || !this.hasRoom) return
    const nowMs = this.#host.monotonicMs()
    const isDue =
      published > this.position && nowMs - this.#progressAtMs >= this.#host.limits.progressMs
    if (!this.#greets && !isDue) return
    this.#greets = false
    this.#progressAtMs = nowMs
    this.position = Math.max(this.position, published)
    this.sink.send({ revision: this.position, events: [] })
  }

  /** Let it be told from now on; false when it has ended meanwhile, which is told now. */
  begin(): boolean {
    if (this.#failure !== undefined) this.#tellFailure(this.#failure)
    this.#failure = undefined
    if (this.state !== 'new') return false
    this.state = 'behind'
    return true
  }

  /**
   * End it and say why.
   *
   * @param published - revision of the last commit, when a live one has been told of it
   */
  fail(error: SecregError, published = 0): void {
    const { state } = this
    if (state === 'ended') return
    if (state === 'live') this.position = Math.max(this.position, published)
    this.close()
    if (state === 'new') this.#failure = error
    else this.#tellFailure(error)
  }

  /** End it silently. */
  close(): void {
    if (this.state === 'ended') return
    this.#host.ended(this)
    this.state = 'ended'
    this.held = []
    this.wake()
  }

  #tellFailure(error: SecregError): void {
    this.sink.send({ revision: this.position, events: [], error: errorPayload(error) })
  }
}
