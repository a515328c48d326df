/** A transport over the HTTP of Node.js: kept connections, TLS, a limit for connecting and one for what is read. */
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import type { Socket } from 'node:net'
import {
  type Kv2Answer,
  type Kv2Limits,
  type Kv2Request,
  type Kv2Transport,
  Kv2TransportError,
} from '../transport.ts'

/** Options of {@link createNodeTransport}. */
export interface NodeTransportOptions {
  /** Certificates of authorities, PEM, in the place of those of the platform. Default those. */
  readonly ca?: string | readonly string[]
  /** Own certificate and key, PEM, for servers that ask for one. Default none. */
  readonly certificate?: { readonly cert: string; readonly key: string }
  /** Name that the server's certificate is checked for. Default the one of the address. */
  readonly serverName?: string
  /** Check the server's certificate. Default true; false is for tests. */
  readonly verifyTls?: boolean
  /** Most connections to one host, 1 to 1,000; requests beyond wait. Default 10. */
  readonly poolSize?: number
  /** Milliseconds until a connection stands, TLS included; 1 to 600,000. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** Milliseconds after which an idle connection is closed; 1 to 600,000. Default 60,000. */
  readonly idleTimeoutMs?: number
}

/**
 * Make a transport.
 *
 * @throws TypeError, RangeError
 */
export function createNodeTransport(options: NodeTransportOptions = {}): Kv2Transport {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options: expected an object')
  }
  return new NodeTransport(options)
}

class NodeTransport implements Kv2Transport {
  readonly #plain: Agent
  readonly #tls: TlsAgent
  readonly #connectTimeoutMs: number

  constructor(options: NodeTransportOptions) {
    const { ca, certificate, serverName, verifyTls = true } = options
    if (typeof verifyTls !== 'boolean') throw new TypeError('verifyTls: expected a boolean')
    this.#connectTimeoutMs = integer(options.connectTimeoutMs ?? 5000, 600_000, 'connectTimeoutMs')
    const pool = {
      keepAlive: true,
      maxSockets: integer(options.poolSize ?? 10, 1000, 'poolSize'),
      timeout: integer(options.idleTimeoutMs ?? 60_000, 600_000, 'idleTimeoutMs'),
    }
    this.#plain = new Agent(pool)
    this.#tls = new TlsAgent({
      ...pool,
      rejectUnauthorized: verifyTls,
      ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
      ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
      ...(serverName !== undefined && { servername: serverName }),
    })
  }

  send(request: Kv2Request, limits: Kv2Limits): Promise<Kv2Answer> {
    return new Promise((resolve, reject) => {
      const { signal } = limits
      const outgoing = this.#open(request)
      const connection = new Connecting(outgoing, this.#connectTimeoutMs)
      const onAbort = (): void => {
        settle()
        reject(signal.reason)
        outgoing.destroy()
      }
      const fail = (error: unknown): void => {
        settle()
        reject(new Kv2TransportError(!connection.stands, codeOf(error)))
        outgoing.destroy()
      }
      const settle = (): void => {
        connection.stop()
        signal.removeEventListener('abort', onAbort)
      }
      // A request that is cut off may fail once more, later.
      outgoing.on('error', fail)
      // Nobody asked for another protocol, and no answer would follow.
      outgoing.on('upgrade', (_incoming, socket) => {
        socket.destroy()
        fail(undefined)
      })
      outgoing.on('response', (incoming) => {
        readAnswer(incoming, limits.maxAnswerBytes).then((answer) => {
          settle()
          resolve(answer)
        }, fail)
      })
      if (signal.aborted) {
        onAbort()
        return
      }
      signal.addEventListener('abort', onAbort, { once: true })
      outgoing.end(request.body)
    })
  }

  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }

  #open({ method, url, headers, body }: Kv2Request): ClientRequest {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const options = { method, headers: { ...headers, ...length } }
    return url.startsWith('https:')
      ? httpsRequest(url, { ...options, agent: this.#tls })
      : httpRequest(url, { ...options, agent: this.#plain })
  }
}

/** Whether the connection of a request stands, and the limit until it does. */
class Connecting {
  #stands = false
  #timer: NodeJS.Timeout | undefined

  constructor(request: ClientRequest, timeoutMs: number) {
    request.once('socket', (socket: Socket & { readonly encrypted?: boolean }) => {
      if (!socket.connecting) {
        this.#stands = true
        return
      }
      this.#timer = setTimeout(() => request.destroy(new ConnectTimeout()), timeoutMs)
      socket.once(socket.encrypted === true ? 'secureConnect' : 'connect', () => {
        this.#stands = true
        this.stop()
      })
    })
  }

  /** Something of the request may have been sent. */
  get stands(): boolean {
    return this.#stands
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/** Reads no more than so many bytes; what comes after them closes the connection. */
async function readAnswer(incoming: IncomingMessage, most: number): Promise<Kv2Answer> {
  const { statusCode: status = 0 } = incoming
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([, value]) => typeof value === 'string'),
  ) as Record<string, string>
  const chunks: Buffer[] = []
  let bytes = 0
  let truncated = Number(headers['content-length'] ?? 0) > most
  if (truncated) incoming.destroy()
  else {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length
      truncated = bytes > most
      // Leaving the loop destroys the rest.
      if (truncated) break
      chunks.push(chunk)
    }
  }
  return { status, headers, body: truncated ? new Uint8Array() : Buffer.concat(chunks), truncated }
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

function integer(value: unknown, most: number, argument: string): number {
  if (typeof value !== 'number') throw new TypeError(`${argument}: expected a number`)
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`${argument}: expected an integer from 1 to ${most}`)
  }
  return value
}
