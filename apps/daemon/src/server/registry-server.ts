/** The registry socket: listens, limits connections, and stops without losing an answer. */
import { createServer, type Server, type Socket } from 'node:net'
import { type ByteBudget, listenUnix } from '@secreg/host'
import type { RegistryHost } from '../registry-host.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { ConnectionCounts, type ConnectionLimits } from './connection-counts.ts'
import type { GatewayGrants } from './gateway-grants.ts'
import { type KernelWord, kernelFactsOf } from './kernel-word.ts'

export interface RegistryServerOptions
  extends ConnectionLimits,
    Pick<
      ConnectionOptions,
      'framing' | 'readTimeoutMs' | 'authTimeoutMs' | 'idleTimeoutMs' | 'clockSkewMs'
    > {
  readonly host: RegistryHost
  readonly path: string
  readonly mode: number
  readonly gid?: number
  readonly backlog: number
  readonly budget: ByteBudget
  readonly kernel: KernelWord
  /** It is the socket of gateways. */
  readonly grants?: GatewayGrants
}

const TIMEOUT_CHECK_MS = 250
/** Connections over the limit that are answered at the same time. */
const REFUSED_AT_ONCE = 64

export class RegistryServer {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #counts = new ConnectionCounts()
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
    return this.#counts.all
  }

  /** Take limits and time-outs of a new configuration for connections from now on. */
  configure(options: Partial<RegistryServerOptions>): void {
    this.#options = { ...this.#options, ...options }
    this.#server.maxConnections = this.#options.maxConnections + REFUSED_AT_ONCE
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
    const { budget, grants, kernel, maxConnections, maxConnectionsPerUid, ...options } =
      this.#options
    const known = kernel.problem === undefined ? kernel.credentialsOf(socket) : undefined
    // Gone before it was looked at; nobody is served as less than what the kernel says.
    if (kernel.problem === undefined && known === undefined) {
      socket.destroy()
      return
    }
    const uid = known?.uid
    const refusal =
      grants?.refusal(uid) ?? this.#counts.refusal(uid, { maxConnections, maxConnectionsPerUid })
    // One user's flood must take nobody else's place.
    if (refusal !== undefined && this.#connections.size - this.#counts.all >= REFUSED_AT_ONCE) {
      socket.destroy()
      return
    }
    const peer: ConnectionOptions['peer'] =
      grants === undefined
        ? { door: 'registry', address: 'local', binding: {}, ...(known && kernelFactsOf(known)) }
        : { door: 'http', address: 'gateway', gateway: grants.terms(uid) }
    const connection = new Connection({
      ...options,
      socket,
      peer,
      lease: budget.lease(),
      closed: (gone) => this.#closed(gone, peer, refusal === undefined ? { uid } : undefined),
    })
    this.#connections.add(connection)
    if (refusal === undefined) this.#counts.add(uid)
    else connection.refuse(refusal)
  }

  #closed(
    connection: Connection,
    { binding, gateway }: ConnectionOptions['peer'],
    counted: { readonly uid: number | undefined } | undefined,
  ): void {
    this.#connections.delete(connection)
    if (counted !== undefined) this.#counts.remove(counted.uid)
    const bound = gateway?.binding ?? binding
    if (bound !== undefined) this.#options.host.registry.closeBinding(bound)
    if (gateway !== undefined) this.#options.grants?.forget(gateway)
  }
}
