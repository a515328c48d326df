/**
 * One connection, from its first packet to its end: one request at a time, in the order of their arrival, and nothing
 * is read while one is in progress, so that a client that does not wait is held up by itself (subauth PROTOCOL: no
 * pipelining; specs: subauth §1.1).
 */
import type { PacketLimits } from '../wire/limits.ts'
import { packetLimits } from '../wire/limits.ts'
import { answer, type ReceivedLike, refuse, type SubauthAnswer } from './answer-packet.ts'
import type { SubauthPort } from './port.ts'

/** What of a `SeqpacketSocket` of `@secreg/unix-socket` is needed. */
export interface PacketConnection<P extends ReceivedLike = ReceivedLike> {
  readonly destroyed: boolean
  on(event: 'packet', listener: (packet: P) => void): unknown
  on(event: 'end' | 'drain' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): unknown
  resume(): unknown
  /** @returns `false`: nothing more is to be sent until `drain` */
  send(packet: Uint8Array): boolean
  /** Close once everything that was sent has left. */
  end(): unknown
  destroy(error?: Error): unknown
}

export interface ServeConnectionOptions<P extends ReceivedLike = ReceivedLike>
  extends PacketLimits {
  /**
   * The accounts as the sender of a packet may see and change them. Not called for `nop`, nor for what is no request.
   * What it throws is answered like what a port throws.
   */
  readonly portOf: (packet: P) => SubauthPort | Promise<SubauthPort>
  /** Called for every packet before anything else; what it throws or rejects with is answered, and the connection ends. */
  readonly admit?: (packet: P) => undefined | Promise<void>
  /** A request that is denied is answered no sooner after its arrival, milliseconds. Default 0. */
  readonly failureDelayMs?: number
  /**
   * A connection on which nothing is in progress, or whose peer does not take a reply, ends after so many
   * milliseconds. Default 0: never.
   */
  readonly idleTimeoutMs?: number
  /** Called with each answer as it is sent. */
  readonly onAnswer?: (answer: SubauthAnswer, durationMs: number) => void
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number
}

/** A connection that is being served. */
export interface ServedConnection {
  /** A request is in progress, or its reply has not been taken. */
  readonly busy: boolean
  /** Settles, never rejected, once the connection is closed. */
  readonly closed: Promise<void>
  /** Close it once what is in progress has been answered; nothing more is read. */
  finish(): void
}

/**
 * Serve a connection. It belongs to this from now on, and is closed when its peer has closed it or has sent an empty
 * packet, and behind the answer to a packet that is no JSON object or too long.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function serveConnection<P extends ReceivedLike>(
  connection: PacketConnection<P>,
  options: ServeConnectionOptions<P>,
): ServedConnection {
  checkMs('failureDelayMs', options.failureDelayMs)
  checkMs('idleTimeoutMs', options.idleTimeoutMs)
  const served = new Served(connection, options)
  connection.resume()
  return served
}

class Served<P extends ReceivedLike> implements ServedConnection {
  readonly closed: Promise<void>
  readonly #connection: PacketConnection<P>
  readonly #options: ServeConnectionOptions<P>
  readonly #limits: Required<PacketLimits>
  readonly #now: () => number
  #busy = false
  #finishing = false
  #isClosed = false
  #idle: ReturnType<typeof setTimeout> | undefined
  /** Ends the wait of a reply that is held back. */
  #endDelay: (() => void) | undefined
  /** Ends the wait for a peer that does not read. */
  #endFull: (() => void) | undefined

  constructor(connection: PacketConnection<P>, options: ServeConnectionOptions<P>) {
    this.#connection = connection
    this.#options = options
    this.#limits = packetLimits(options)
    this.#now = options.now ?? (() => performance.now())
    this.closed = new Promise((resolve) => {
      connection.on('close', () => {
        this.#isClosed = true
        clearTimeout(this.#idle)
        this.#endDelay?.()
        this.#endFull?.()
        resolve()
      })
    })
    connection.on('drain', () => this.#endFull?.())
    // It says why the connection ends, which is nobody's fault here; `close` follows.
    connection.on('error', () => {})
    connection.on('end', () => this.finish())
    connection.on('packet', (packet) => this.#receive(packet))
    this.#await(() => this.finish())
  }

  get busy(): boolean {
    return this.#busy
  }

  finish(): void {
    this.#finishing = true
    if (!this.#busy && !this.#isClosed) {
      clearTimeout(this.#idle)
      this.#connection.end()
    }
  }

  #receive(packet: P): void {
    if (this.#isClosed || this.#finishing) return
    if (packet.data.length === 0 && packet.truncated !== true) {
      this.finish()
      return
    }
    // A connection that goes on reading while it is paused would pile up what nobody bounds.
    if (this.#busy) {
      this.#connection.destroy()
      return
    }
    this.#busy = true
    clearTimeout(this.#idle)
    this.#connection.pause()
    this.#serve(packet).catch((error: unknown) => {
      this.#connection.destroy(error instanceof Error ? error : undefined)
    })
  }

  async #serve(packet: P): Promise<void> {
    const since = this.#now()
    const answered = await this.#answer(packet)
    if (answered.outcome === 'denied') await this.#delayUntil(since)
    if (this.#isClosed || this.#connection.destroyed) return
    this.#options.onAnswer?.(answered, this.#now() - since)
    const hasRoom = this.#connection.send(answered.reply)
    if (answered.close) this.#finishing = true
    if (!hasRoom && !this.#finishing) await this.#room()
    this.#busy = false
    if (this.#isClosed) return
    if (this.#finishing) {
      this.#connection.end()
      return
    }
    this.#await(() => this.finish())
    this.#connection.resume()
  }

  async #answer(packet: P): Promise<SubauthAnswer> {
    try {
      const admitted = this.#options.admit?.(packet)
      if (admitted !== undefined) await admitted
    } catch (error) {
      return { ...refuse(error), close: true }
    }
    return await answer(packet, () => this.#options.portOf(packet), this.#limits)
  }

  /**
   * All that are denied take equally long, whatever it was that was looked at. A timer counts whole milliseconds from the
   * begin of the turn in which it is set: alone it would be early, and how early would tell how long the looking took.
   */
  async #delayUntil(since: number): Promise<void> {
    const untilMs = since + (this.#options.failureDelayMs ?? 0)
    while (!this.#isClosed) {
      const left = untilMs - this.#now()
      if (left <= 0) return
      await this.#sleep(left)
    }
  }

  /** Ends with the connection at the latest. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endDelay = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Nothing is read of a peer that does not read. */
  #room(): Promise<void> {
    this.#await(() => this.#connection.destroy())
    return new Promise((resolve) => {
      this.#endFull = resolve
    })
  }

  #await(onTimeout: () => void): void {
    const { idleTimeoutMs = 0 } = this.#options
    clearTimeout(this.#idle)
    if (idleTimeoutMs > 0) this.#idle = setTimeout(onTimeout, idleTimeoutMs)
  }
}

function checkMs(name: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'number') {
    throw new TypeError(`${name}: expected a number, got ${typeof value}`)
  }
  // Longer ones end at once.
  if (!(value >= 0 && value <= 2 ** 31 - 1)) {
    throw new RangeError(`${name}: expected 0 to 2147483647, got ${value}`)
  }
}
