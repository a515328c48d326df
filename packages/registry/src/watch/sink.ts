/** What stands between a watch and whoever reads it; a door implements it. */
import type { Caller, WatchEventMessage } from '@secreg/protocol'

/** A message of a watch, whose number its door knows. Its events are shared between watches and never changed. */
export type WatchMessage = Omit<WatchEventMessage, 'watch_id'>

/** The reader's end of one watch. Nothing of it may throw or wait. */
export interface WatchSink {
  /** The caller as he is now, without this being a use of his session; `undefined` when he may not act any more. */
  caller(): Caller | undefined
  /** Bytes of this watch that its reader has not taken. */
  readonly unreadBytes: number
  /** Bytes of everything that the same reader has not taken. */
  readonly readerUnreadBytes: number
  /** Hand over the next message. After one with `overflow` or `error` there is no other. */
  send(message: WatchMessage): void
  /** Call back, once, when the reader has taken something. */
  onceTaken(resume: () => void): void
}

/** A watch as its door holds it. */
export interface OpenedWatch {
  /** Events come of every change after this revision. */
  readonly revision: number
  readonly generation: string
  /** Let messages come; before, there are none, so that the answer to the request is the first that is told. */
  start(): void
  /** End it, silently; idempotent. */
  close(): void
}
