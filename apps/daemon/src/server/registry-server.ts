/** The registry socket: listens, limits connections, and stops without losing an answer. */
import { createServer, type Server, type Socket } from 'node:net'
import { type ByteBudget, listenUnix } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import type { RegistryHost } from '../registry-host.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { GatewayGrants } from './gateway-grants.ts'

export interface RegistryServerOptions
  extends Pick<
    ConnectionOptions,
    'framing' | 'readTimeoutMs' | 'authTimeoutMs' | 'idleTimeoutMs' | 'clockSkewMs'
  > {
  readonly host: RegistryHost
  readonly path: string
  readonly mode: number
  readonly gid?: number
  readonly backlog: number
  readonly maxConnections: number
  readonly budget: ByteBudget
  /** It is the socket of gateways. */
  readonly grants?: GatewayGrants
}

const TIMEOUT_CHECK_MS = 250
/** Connections over the limit that are answered at the same time. */
const REFUSED_AT_ONCE = 64

export class RegistryServer {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #timer: NodeJS.Timeout
  #options: RegistryServerOptions

  private constructor(options: RegistryServerOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    // Beyond those that are told why, the kernel's queue and Node.js drop them unheard.
    this.#server.maxConnections = options.maxConnections + REFUSED_AT_ONCE
    this.#timer = setInterval(() => {
      const nowMs = performance.now()
      for (const connection of this.#connections) connection.enforceTimeouts(nowMs)
    }, TIMEOUT_CHECK_MS)
    this.#timer.unref()
  }

  /**
   * Listen.
   *
   * @throws HostError when the path is taken by anything alive or foreign, too long, or its directory is not safe
   */
  static async listen(options: RegistryServerOptions): Promise<RegistryServer> {
    const server = new RegistryServer(options)
    try {
      const { path, mode, gid, backlog } = options
      await listenUnix(server.#server, {
        path,
        mode,
        backlog,
        ...(gid === undefined ? {} : { gid }),
      })
    } catch (error) {
      clearInterval(server.#timer)
      throw error
    }
    return server
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Take limits and time-outs of a new configuration for connections from now on. */
  configure(options: Partial<RegistryServerOptions>): void {
    this.#options = { ...this.#options, ...options }
  }

  /** Accept nothing more, answer what was asked, and close everything within the time given. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#options.host.registry.endWatches()
    for (const connection of this.#connections) connection.end()
    const force = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy()
    }, graceMs)
    await closed
    clearTimeout(force)
  }

  #accept(socket: Socket): void {
    const { maxConnections, budget, grants, ...options } = this.#options
    const peer = peerOf(grants)
    const { gateway } = peer
    const connection = new Connection({
      ...options,
      socket,
      peer,
      lease: budget.lease(),
      closed: (gone) => {
        this.#connections.delete(gone)
        if (gateway === undefined) return
        options.host.registry.closeBinding(gateway.binding)
        grants?.forget(gateway)
      },
    })
    const full = this.#connections.size >= maxConnections
    this.#connections.add(connection)
    if (full) {
      connection.refuse(
        new SecregError('TOO_MANY_CONNECTIONS', `more than ${maxConnections} connections`, {
          retryAfterSeconds: 1,
        }),
      )
    }
  }
}

function peerOf(grants: GatewayGrants | undefined): ConnectionOptions['peer'] {
  if (grants === undefined) return { door: 'registry', address: 'local' }
  return { door: 'http', address: 'gateway', gateway: grants.terms() }
}
