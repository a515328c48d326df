/** The watches of one connection: their numbers, and their messages between the answers. */
import {
  type Caller,
  LIMITS,
  type OkResponse,
  SecregError,
  type WatchResponse,
} from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import type { OpenedWatch, Registry, WatchMessage, WatchSink } from '@secreg/registry'
import type { Session } from '@secreg/zones'
import type { RegistryHost } from '../registry-host.ts'
import { authRequired, type Standing } from './dispatch.ts'
import type { PushAccount, ReplyQueue } from './reply-queue.ts'
import { watchEventText } from './watch-event-text.ts'

export interface ConnectionWatchesOptions {
  readonly host: RegistryHost
  readonly replies: ReplyQueue
  /** Frame of a message, in the form of the connection. */
  readonly frameOf: (payload: string) => Uint8Array
  /** Called after each message. */
  readonly pushed: () => void
  /** Called when the last watch has ended. */
  readonly idle: () => void
}

export class ConnectionWatches {
  readonly #options: ConnectionWatchesOptions
  readonly #watches = new Map<number, PushedWatch>()
  #opening = 0
  #lastId = 0
  #closed = false

  constructor(options: ConnectionWatchesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#watches.size
  }

  /**
   * Begin a watch; its messages come from {@link begin} on.
   *
   * @throws SecregError `ERR_LIMIT_EXCEEDED`, and what the registry refuses with
   */
  async watch(standing: Standing, request: RequestOf<'watch'>): Promise<WatchResponse> {
    const { caller, session } = standing
    if (caller === undefined || session === undefined) throw authRequired()
    if (this.#watches.size + this.#opening >= LIMITS.watches) {
      throw new SecregError('LIMIT_EXCEEDED', `more than ${LIMITS.watches} watches`)
    }
    const { registry } = this.#options.host
    const watch = new PushedWatch(this.#options, registry, session, standing, () => {
      this.#watches.delete(watch.id)
      if (this.#watches.size === 0) this.#options.idle()
    })
    this.#opening++
    let opened: OpenedWatch
    try {
      opened = await registry.watch(caller, request, watch)
    } finally {
      this.#opening--
    }
    watch.opened = opened
    watch.id = ++this.#lastId
    if (this.#closed) opened.close()
    else this.#watches.set(watch.id, watch)
    return { watch_id: watch.id, revision: opened.revision, generation: opened.generation }
  }

  /** The answer of a watch is on its way: let the messages follow. */
  begin(id: number): void {
    this.#watches.get(id)?.opened?.start()
  }

  /** @throws SecregError `ERR_NOT_FOUND`, also for the watch of another account that shares the connection */
  unwatch({ session }: Standing, { watch_id: id }: RequestOf<'unwatch'>): OkResponse {
    const watch = this.#watches.get(id)
    if (watch === undefined || watch.session.accountId !== session?.accountId) {
      throw new SecregError('NOT_FOUND', 'this connection has no such watch')
    }
    watch.close()
    return { success: true }
  }

  /** End all, silently. */
  close(): void {
    this.#closed = true
    for (const watch of this.#watches.values()) watch.close()
  }
}

/** One watch whose messages are pushed. */
class PushedWatch implements WatchSink, PushAccount {
  readonly session: Session
  id = 0
  opened: OpenedWatch | undefined
  unreadBytes = 0
  readonly #options: ConnectionWatchesOptions
  readonly #registry: Registry
  readonly #peer: Standing['peer']
  readonly #ended: () => void
  #closed = false

  constructor(
    options: ConnectionWatchesOptions,
    registry: Registry,
    session: Session,
    { peer }: Standing,
    ended: () => void,
  ) {
    this.#options = options
    this.#registry = registry
    this.session = session
    this.#peer = peer
    this.#ended = ended
  }

  get readerUnreadBytes(): number {
    return this.#options.replies.bufferedBytes
  }

  caller(): Caller | undefined {
    return this.#registry.watcherOf(this.session, this.#peer)
  }

  send(message: WatchMessage): void {
    if (this.#closed) return
    const { frameOf, pushed, replies } = this.#options
    replies.push(frameOf(watchEventText(this.id, message)), this)
    if (message.overflow === true || message.error !== undefined) this.#end()
    pushed()
  }

  onceTaken(resume: () => void): void {
    this.#options.replies.onceTaken(resume)
  }

  close(): void {
    if (this.#closed) return
    this.#end()
    this.opened?.close()
  }

  #end(): void {
    this.#closed = true
    this.#ended()
  }
}
