/** What leaves through a connection, and how much of it may wait for a peer that does not read. */
import type { Outgoing } from './reply-line.ts'
import type { StreamConnection } from './stream-connection.ts'
import type { Timers } from './timers.ts'

export interface OutletOptions {
  /** Events that may wait for the peer to read. */
  readonly maxWaitingEvents: number
  /** A peer that does not read is given up after so many milliseconds; 0: never. */
  readonly stallTimeoutMs: number
  readonly timers: Timers
  /** What was sent has left, after it could not for a while. */
  readonly onRoom: () => void
  /** Something that was sent has left, or never will. */
  readonly onLeft: () => void
}

export class Outlet {
  readonly #connection: StreamConnection
  readonly #options: OutletOptions
  #isFull = false
  #waitingEvents = 0
  #isEnding = false
  #isClosed = false
  #stall: unknown

  constructor(connection: StreamConnection, options: OutletOptions) {
    this.#connection = connection
    this.#options = options
    connection.on('drain', () => this.#onDrain())
  }

  /** The peer does not read, and is not to be worked for. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Nothing can be sent any more. */
  get isOver(): boolean {
    return this.#isEnding || this.#isClosed
  }

  send({ bytes, isSecret }: Outgoing): void {
    if (this.isOver) {
      if (isSecret) bytes.fill(0)
      return
    }
    const hasRoom = this.#connection.write(bytes, () => {
      // The memory is ours again only now.
      if (isSecret) bytes.fill(0)
      this.#options.onLeft()
    })
    if (!hasRoom && !this.#isFull) {
      this.#isFull = true
      this.#giveUpLater()
    }
  }

  /** Send an event; when too many wait, the connection ends, as a client that misses one would not know. */
  sendEvent(bytes: Uint8Array): void {
    if (this.#isFull && ++this.#waitingEvents > this.#options.maxWaitingEvents) {
      this.destroy()
      return
    }
    this.send({ bytes, isSecret: false })
  }

  /** Close once everything has left. */
  end(): void {
    if (this.isOver) return
    this.#isEnding = true
    this.#giveUpLater()
    this.#connection.end(() => this.#connection.destroy())
  }

  destroy(): void {
    if (!this.#isClosed) this.#connection.destroy()
    this.closed()
  }

  /** The connection is closed. */
  closed(): void {
    this.#isClosed = true
    this.#options.timers.clear(this.#stall)
  }

  #onDrain(): void {
    if (this.isOver) return
    this.#isFull = false
    this.#waitingEvents = 0
    this.#options.timers.clear(this.#stall)
    this.#options.onRoom()
  }

  #giveUpLater(): void {
    const { timers, stallTimeoutMs } = this.#options
    timers.clear(this.#stall)
    if (stallTimeoutMs > 0) this.#stall = timers.set(() => this.destroy(), stallTimeoutMs)
  }
}
