/** The subauth socket: listens, limits connections, and stops without losing an answer. */
import { type ByteBudget, listenUnix } from '@secreg/host'
import { REFUSALS } from '@secreg/subauth'
import type { ServedConnection } from '@secreg/subauth/server'
import {
  createSeqpacketServer,
  type SeqpacketServer,
  type SeqpacketSocket,
} from '@secreg/unix-socket'
import { ConnectionCounts, type ConnectionLimits } from '../server/connection-counts.ts'
import {
  RESERVED_BYTES,
  type SubauthConnectionOptions,
  serveSubauth,
} from './subauth-connection.ts'

export interface SubauthServerOptions
  extends Omit<SubauthConnectionOptions, 'lease'>,
    ConnectionLimits {
  readonly path: string
  readonly mode: number
  readonly backlog: number
  readonly budget: ByteBudget
}

/** What a reloaded configuration may change. */
export type SubauthLimits = ConnectionLimits &
  Pick<SubauthServerOptions, 'failureDelayMs' | 'idleTimeoutMs'>

/** Connections over the limit that are answered at the same time. */
const REFUSED_AT_ONCE = 64
const BUSY = Buffer.from(JSON.stringify({ error: REFUSALS.BUSY.text }))

interface Connected {
  readonly socket: SeqpacketSocket
  readonly served: ServedConnection
}

export class SubauthServer {
  readonly #server: SeqpacketServer
  readonly #connections = new Set<Connected>()
  readonly #counts = new ConnectionCounts()
  #options: SubauthServerOptions

  private constructor(options: SubauthServerOptions) {
    this.#options = options
    const { maxConnections, maxRequestBytes: maxPacketBytes, log } = options
    this.#server = createSeqpacketServer(
      { maxPacketBytes, passCredentials: true, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    )
    // Beyond those that are told why, they are dropped unheard.
    this.#server.maxConnections = maxConnections + REFUSED_AT_ONCE
    this.#server.on('exhausted', ({ code }) => {
      log.error('the subauth socket cannot accept connections', { code })
    })
  }

  /**
   * Listen.
   *
   * @throws HostError when the path is taken by anything alive or foreign, too long, or its directory is not safe;
   *   UnixSocketError without the native part
   */
  static async listen(options: SubauthServerOptions): Promise<SubauthServer> {
    const server = new SubauthServer(options)
    const { path, mode, backlog, log } = options
    await listenUnix(server.#server, { path, mode, backlog })
    server.#server.on('error', (error) => {
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      log.error('the subauth socket failed', { code })
    })
    return server
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Take the limits of a new configuration for connections from now on. */
  configure(limits: SubauthLimits): void {
    this.#options = { ...this.#options, ...limits }
    this.#server.maxConnections = limits.maxConnections + REFUSED_AT_ONCE
  }

  /** Accept nothing more, answer what is under way, and close everything within the time given. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { served } of this.#connections) served.finish()
    const force = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(force)
  }

  #accept(socket: SeqpacketSocket): void {
    const uid = socket.peer?.uid
    // Gone before it was looked at.
    if (uid === undefined) {
      socket.destroy()
      return
    }
    // Services that check the logins of everybody run as root, which needs no connection to do harm.
    const counted = uid === 0 ? undefined : uid
    const lease = this.#options.budget.lease()
    const refusal = this.#counts.refusal(counted, this.#options)
    if (refusal !== undefined || !lease.tryTake(RESERVED_BYTES)) {
      lease.close()
      refuse(socket)
      return
    }
    const connected = { socket, served: serveSubauth(socket, { ...this.#options, lease }) }
    this.#connections.add(connected)
    this.#counts.add(counted)
    socket.on('close', () => {
      this.#connections.delete(connected)
      this.#counts.remove(counted)
    })
  }
}

/** Say why to one who will read it, and close. */
function refuse(socket: SeqpacketSocket): void {
  socket.on('error', () => {})
  socket.send(BUSY)
  socket.end()
}
