/** A reader of watches for tests, as slow as it is told to be, who resumes when his watch has ended. */
import type { Caller, ChangeEvent } from '@secreg/protocol'
import type { WatchHub } from '../src/watch/hub.ts'
import type { WatchScope } from '../src/watch/scope.ts'
import type { WatchMessage, WatchSink } from '../src/watch/sink.ts'
import type { Watch } from '../src/watch/watch.ts'

export const CALLER: Caller = Object.freeze({
  principals: [],
  roles: [],
  groups: [],
  mfa: false,
  door: 'registry',
  proof: 'credential',
})

/** One end of one watch. */
export class TestSink implements WatchSink {
  readonly messages: WatchMessage[] = []
  /** Takes nothing until it is told to. */
  slow = false
  unreadBytes = 0
  readerUnreadBytes = 0
  who: Caller | undefined = CALLER
  #resumes: (() => void)[] = []

  caller(): Caller | undefined {
    return this.who
  }

  send(message: WatchMessage): void {
    if (this.hasEnded) throw new Error('told after its end')
    this.messages.push(message)
    if (!this.slow) return
    const bytes = JSON.stringify(message).length
    this.unreadBytes += bytes
    this.readerUnreadBytes += bytes
  }

  onceTaken(resume: () => void): void {
    this.#resumes.push(resume)
  }

  /** Take everything. */
  take(): void {
    this.unreadBytes = 0
    this.readerUnreadBytes = 0
    for (const resume of this.#resumes.splice(0)) resume()
  }

  get hasEnded(): boolean {
    const last = this.messages.at(-1)
    return last?.overflow === true || last?.error !== undefined
  }
}

/** What a reader has been told whole: a revision with its events of this watch. */
export type Told = readonly [revision: number, events: readonly ChangeEvent[]]

/** Puts the revisions of a watch together, and fails where they are out of order, doubled or split. */
export function wholeRevisions(messages: readonly WatchMessage[], since: number): Told[] {
  const told: Told[] = []
  let last = since
  let parts: ChangeEvent[] = []
  let partOf: number | undefined
  for (const { revision, events, more, overflow, error } of messages) {
    if (overflow === true || error !== undefined) {
      if (events.length > 0) throw new Error('events with the end')
      if (revision < last) throw new Error(`ended at ${revision}, but ${last} was told`)
      continue
    }
    if (partOf !== undefined && revision !== partOf) throw new Error(`${partOf} was split`)
    // Only progress may name a revision again.
    if (revision < last || (revision === last && events.length > 0)) {
      throw new Error(`${revision} after ${last}`)
    }
    parts.push(...events)
    partOf = more === true ? revision : undefined
    if (more === true) continue
    last = revision
    if (parts.length > 0) told.push([revision, parts])
    parts = []
  }
  return told
}

/** Follows a scope through as many watches as it takes. */
export class TestReader {
  readonly told: Told[] = []
  /** Revisions that were not kept any more when it came back: after the first, up to the second. */
  readonly missed: [number, number][] = []
  sink: TestSink = new TestSink()
  resumptions = 0
  readonly #hub: WatchHub
  readonly #scope: WatchScope
  #watch: Watch | undefined
  #since: number
  readonly firstSince: number

  constructor(hub: WatchHub, scope: WatchScope, since: number) {
    this.#hub = hub
    this.#scope = scope
    this.#since = since
    this.firstSince = since
    this.open()
  }

  get scope(): WatchScope {
    return this.#scope
  }

  open(): void {
    const slow = this.sink.slow
    this.sink = new TestSink()
    this.sink.slow = slow
    try {
      this.#watch = this.#hub.open(
        { scope: this.#scope, since: this.#since, progress: true },
        this.sink,
      )
      this.#hub.start(this.#watch)
    } catch (error) {
      this.#compacted((error as { minRevision?: number }).minRevision, error)
    }
  }

  /** Take what is there, and watch again where that has ended. */
  take(): void {
    this.sink.take()
    if (!this.sink.hasEnded) return
    const { error } = this.#stop()
    this.resumptions++
    if (error === undefined) this.open()
    else this.#compacted(error.min_revision, error)
  }

  /** Go away and come back. */
  reopen(): void {
    this.#watch?.close()
    this.#stop()
    this.open()
  }

  /** Note what was told. */
  collect(): void {
    this.#watch?.close()
    this.#stop()
  }

  #stop(): WatchMessage {
    const { messages } = this.sink
    const whole = wholeRevisions(messages, this.#since)
    this.told.push(...whole)
    const last = messages.at(-1) ?? { revision: this.#since, events: [] }
    this.#since = this.sink.hasEnded ? last.revision : (whole.at(-1)?.[0] ?? this.#since)
    return last
  }

  #compacted(least: number | undefined, error: unknown): void {
    if (least === undefined || least <= this.#since) throw error
    this.missed.push([this.#since, least])
    this.#since = least
    this.open()
  }
}
