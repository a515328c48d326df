/**
 * `GET /metrics` in the text format of Prometheus, on a Unix socket of this user alone or on a port of the loopback. It
 * serves nothing else, whatever the state of the registry, and a peer costs it at most one connection for a few seconds.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HostError, listenUnix, type MetricsAddress } from '@secreg/host'

export interface MetricsServerOptions {
  readonly address: MetricsAddress
  /** Media type of the text. */
  readonly contentType: string
  /** All figures as they are now. */
  readonly text: () => Promise<string>
  /** Life of a connection, milliseconds, whatever its peer does; default 5000. */
  readonly connectionMs?: number
}

/** Connections at once; one more is closed unheard. */
export const METRICS_CONNECTIONS = 8
const CONNECTION_MS = 5000
const HEADER_BYTES = 4096
const HEADERS = 32

/** What a browser can be led to from elsewhere has another name than these (DNS rebinding). */
const LOOPBACK_HOST = /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?$/i

export class MetricsServer {
  readonly #options: MetricsServerOptions
  readonly #server: Server
  /** The scrape that is under way; who asks meanwhile gets what it gives. */
  #scrape: Promise<string> | undefined

  private constructor(options: MetricsServerOptions) {
    this.#options = options
    const connectionMs = options.connectionMs ?? CONNECTION_MS
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES,
        headersTimeout: connectionMs,
        requestTimeout: connectionMs,
        connectionsCheckingInterval: connectionMs,
        insecureHTTPParser: false,
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = METRICS_CONNECTIONS
    this.#server.maxHeadersCount = HEADERS
    this.#server.maxRequestsPerSocket = 1
    this.#server.on('connection', (socket: Socket) => {
      // Against whoever is slow in asking, in reading, or in leaving: all have the same time.
      const end = setTimeout(() => socket.destroy(), connectionMs)
      end.unref()
      socket.once('close', () => clearTimeout(end))
    })
  }

  /**
   * Listen.
   *
   * @throws HostError when path or port is taken, or the directory of the path is not safe
   */
  static async listen(options: MetricsServerOptions): Promise<MetricsServer> {
    const server = new MetricsServer(options)
    const { address } = options
    if (address.kind === 'unix') await listenUnix(server.#server, { path: address.path })
    else await listenTcp(server.#server, address)
    // A connection that cannot be accepted must not end the daemon.
    server.#server.on('error', () => {})
    return server
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Connection', 'close')
    response.setHeader('Cache-Control', 'no-store')
    response.setHeader('X-Content-Type-Options', 'nosniff')
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) {
      if (refusal === 405) response.setHeader('Allow', 'GET, HEAD')
      plain(response, refusal)
      return
    }
    try {
      const text = await this.#text()
      response.writeHead(200, {
        'Content-Type': this.#options.contentType,
        'Content-Length': Buffer.byteLength(text),
      })
      response.end(text)
    } catch {
      // While the registry is replaced by another, for a moment.
      plain(response, 503)
    }
  }

  #refusalOf({ method, url = '', headers }: IncomingMessage): number | undefined {
    const isTcp = this.#options.address.kind === 'tcp'
    if (isTcp && !LOOPBACK_HOST.test(headers.host ?? '')) return 421
    if (url.split('?', 1)[0] !== '/metrics') return 404
    return method === 'GET' || method === 'HEAD' ? undefined : 405
  }

  #text(): Promise<string> {
    this.#scrape ??= this.#options.text().finally(() => {
      this.#scrape = undefined
    })
    return this.#scrape
  }
}

const WORDS: Readonly<Record<number, string>> = {
  404: 'not found',
  405: 'only GET and HEAD',
  421: 'not the name of this server',
  503: 'not at present',
}

function plain(response: ServerResponse, status: number): void {
  const text = `${WORDS[status] ?? ''}\n`
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  })
  response.end(text)
}

function listenTcp(
  server: Server,
  { host, port }: Extract<MetricsAddress, { kind: 'tcp' }>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => {
      const where = host === '::1' ? `[::1]:${port}` : `${host}:${port}`
      const words = `${where}: another server answers here`
      reject(
        cause.code === 'EADDRINUSE'
          ? new HostError('ERR_HOST_SOCKET_IN_USE', words, { cause })
          : cause,
      )
    }
    server.once('error', fail)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
