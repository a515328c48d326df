/** The libvirt sockets: listen, limit connections, and stop without losing an answer. */
import { createServer, type Server, type Socket } from 'node:net'
import { type ByteBudget, listenUnix } from '@secreg/host'
import type { ServedLibvirt } from '@secreg/libvirt/server'
import { ConnectionCounts, type ConnectionLimits } from '../server/connection-counts.ts'
import { type KernelWord, kernelFactsOf } from '../server/kernel-word.ts'
import {
  type LibvirtConnectionOptions,
  RESERVED_BYTES,
  serveLibvirtSocket,
} from './libvirt-connection.ts'
import { UidParts } from './uid-parts.ts'

/** A socket to listen on. */
export interface LibvirtSocketFile {
  readonly path: string
  readonly mode: number
  readonly gid?: number
  readonly backlog: number
  /** Whoever comes by it may only look. */
  readonly readOnly: boolean
}

/** What a reloaded configuration may change, for connections from then on. */
export interface LibvirtServerLimits
  extends ConnectionLimits,
    Pick<
      LibvirtConnectionOptions,
      | 'openTimeoutMs'
      | 'frameTimeoutMs'
      | 'keepaliveIntervalMs'
      | 'keepaliveCount'
      | 'privateValues'
    > {
  /** Connections of one user that have not asked for secrets. */
  readonly maxUnopenedPerUid: number
}

export interface LibvirtServerOptions
  extends LibvirtServerLimits,
    Pick<LibvirtConnectionOptions, 'host' | 'log'> {
  readonly kernel: KernelWord
  readonly budget: ByteBudget
  readonly sockets: readonly LibvirtSocketFile[]
}

interface Connected {
  readonly socket: Socket
  readonly served: ServedLibvirt
}

export class LibvirtServer {
  readonly #servers: Server[] = []
  readonly #connections = new Set<Connected>()
  /** Of both sockets together. */
  readonly #counts = new ConnectionCounts()
  readonly #unopened = new ConnectionCounts()
  readonly #parts: UidParts
  #options: LibvirtServerOptions

  private constructor(options: LibvirtServerOptions) {
    this.#options = options
    this.#parts = new UidParts(options.budget)
  }

  /**
   * Listen on all sockets.
   *
   * @throws HostError when a path is taken by anything alive or foreign, too long, or its directory is not safe
   */
  static async listen(options: LibvirtServerOptions): Promise<LibvirtServer> {
    const server = new LibvirtServer(options)
    try {
      for (const file of options.sockets) await server.#listen(file)
    } catch (error) {
      await server.close(0)
      throw error
    }
    return server
  }

  get connections(): number {
    return this.#connections.size
  }

  configure(limits: LibvirtServerLimits): void {
    this.#options = { ...this.#options, ...limits }
  }

  /** Accept nothing more, answer what is under way, and close everything within the time given. */
  async close(graceMs: number): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    )
    for (const { served } of this.#connections) served.finish()
    const force = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy()
    }, graceMs)
    await Promise.all(closed)
    clearTimeout(force)
  }

  async #listen({ readOnly, ...file }: LibvirtSocketFile): Promise<void> {
    const { log } = this.#options
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket, readOnly),
    )
    await listenUnix(server, file)
    this.#servers.push(server)
    server.on('error', (error) => {
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      log.error('a libvirt socket failed', { code, file: file.path })
    })
  }

  #accept(socket: Socket, readOnly: boolean): void {
    const { kernel, maxUnopenedPerUid, maxConnections } = this.#options
    const known = kernel.credentialsOf(socket)
    // Gone before it was looked at; nobody is served as less than what the kernel says.
    if (known === undefined) {
      socket.destroy()
      return
    }
    const { uid } = known
    const unopened = { maxConnections, maxConnectionsPerUid: maxUnopenedPerUid }
    const lease = this.#parts.lease(uid)
    // The protocol has no word before the first call, so those that are too many are closed without one.
    if (
      this.#counts.refusal(uid, this.#options) !== undefined ||
      this.#unopened.refusal(uid, unopened) !== undefined ||
      !lease.tryTake(RESERVED_BYTES)
    ) {
      lease.close()
      socket.destroy()
      return
    }
    this.#counts.add(uid)
    this.#unopened.add(uid)
    let isUnopened = true
    const opened = (): void => {
      if (isUnopened) this.#unopened.remove(uid)
      isUnopened = false
    }
    const served = serveLibvirtSocket(socket, {
      ...this.#options,
      peer: { door: 'libvirt', address: 'local', ...kernelFactsOf(known), uid },
      lease,
      readOnly,
      onOpen: opened,
    })
    const connected = { socket, served }
    this.#connections.add(connected)
    void served.closed.then(() => {
      this.#connections.delete(connected)
      this.#counts.remove(uid)
      opened()
    })
  }
}
