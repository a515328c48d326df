/**
 * The HTTP server: `node:http` with every limit set, in front of a table of routes. What is refused is refused before
 * its body is read, and what cannot be framed without doubt ends its connection.
 */
import { setMaxListeners } from 'node:events'
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttps, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ByteBudget, type ByteLease, type HttpAddress } from '@secreg/host'
import { GatewayError } from '../errors.ts'
import type { HttpConfig, WorkerShare } from '../gateway-config.ts'
import { errorAnswer, statusOf } from '../routes/error-answer.ts'
import type { Exchange, Route, RouteName } from '../routes/route.ts'
import { METHODS, type RouteTable } from '../routes/route-table.ts'
import { parseTarget } from '../target.ts'
import type { Answer } from './answer.ts'
import { refuseConnection, statusOfFault } from './client-error.ts'
import { Connection, MAX_PIPELINED } from './connection.ts'
import { type HostPolicy, isOwnHost } from './host-policy.ts'
import { readBody, tooLarge } from './read-body.ts'
import { MAX_HEADERS, type RequestHead, readHead } from './request-head.ts'
import type { RequestObserver } from './request-observer.ts'
import { sendAnswer } from './send-answer.ts'
import { sendStream } from './send-stream.ts'
import { isRefused, type TlsFiles, tlsOptions } from './tls.ts'

export interface GatewayServerOptions {
  readonly http: HttpConfig
  readonly share: WorkerShare
  /** Host of `http.listen`. */
  readonly configuredHost: string
  readonly routes: RouteTable
  readonly observer: RequestObserver
  /** Begins every request id of this process. */
  readonly idPrefix: string
  /** Undefined: without TLS. */
  readonly tls: TlsFiles | undefined
  /** Told when there are as many connections as may be, and when no longer. */
  readonly onFull?: (full: boolean) => void
  /** Pause between two looks at late requests, milliseconds. Default 1000. */
  readonly checkMs?: number
}

/** A rest of a body that is rather read than paid for with a new connection, bytes. */
const SMALL_REST = 64 * 1024

export class GatewayServer {
  readonly #options: GatewayServerOptions
  readonly #server: Server | HttpsServer
  readonly #budget: ByteBudget
  readonly #hosts: HostPolicy
  readonly #connections = new WeakMap<Duplex, Connection>()
  #open = 0
  #full = false
  #requests = 0
  readonly #stop = new AbortController()

  constructor(options: GatewayServerOptions) {
    this.#options = options
    const { http, share, tls } = options
    // One of each stream.
    setMaxListeners(0, this.#stop.signal)
    this.#budget = new ByteBudget(share.bufferBytes)
    this.#hosts = {
      names: new Set([options.configuredHost.toLowerCase(), ...http.hostNames]),
      tailscaleServe: http.tailscaleServe,
    }
    const checkMs = options.checkMs ?? 1000
    const settings: ServerOptions = {
      maxHeaderSize: http.maxHeaderBytes,
      headersTimeout: http.headerTimeoutSeconds * 1000,
      requestTimeout: (http.headerTimeoutSeconds + http.bodyTimeoutSeconds) * 1000,
      keepAliveTimeout: http.idleTimeoutSeconds * 1000,
      connectionsCheckingInterval: checkMs,
      insecureHTTPParser: false,
      requireHostHeader: false,
      joinDuplicateHeaders: false,
      noDelay: true,
    }
    const listener: RequestListener = (request, response) => this.#begin(request, response, false)
    this.#server =
      tls === undefined
        ? createHttp(settings, listener)
        : createHttps(
            { ...settings, ...tlsOptions(tls), handshakeTimeout: http.headerTimeoutSeconds * 1000 },
            listener,
          )
    // Node.js drops headers beyond this number and serves the rest: one more than may be shows that there are too many.
    this.#server.maxHeadersCount = MAX_HEADERS + 1
    this.#listenForFaults()
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#open
  }

  /** Bodies that are being read and answers that are not taken, bytes. */
  get usedBytes(): number {
    return this.#budget.usedBytes
  }

  get draining(): boolean {
    return this.#stop.signal.aborted
  }

  /** @returns where it listens, with the port that the system has chosen */
  listen({ host, port }: HttpAddress): Promise<HttpAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off('error', reject)
        // A connection that cannot be accepted must not end the process.
        this.#server.on('error', () => {})
        const address = this.#server.address()
        resolve({
          host,
          port: typeof address === 'object' && address !== null ? address.port : port,
        })
      })
    })
  }

  /**
   * What becomes of connections that are too many: left to the other workers of this cluster, or closed, as they are
   * unless told.
   */
  passOn(passes: boolean): void {
    this.#server.maxConnections = passes ? this.#options.share.maxConnections : Infinity
  }

  /** Take other certificates for new connections. Throws and changes nothing when they cannot be used. */
  useTls(files: TlsFiles): void {
    if (!('setSecureContext' in this.#server))
      throw new TypeError('files: expected none without TLS')
    this.#server.setSecureContext(tlsOptions(files))
  }

  /**
   * Stop: no new connection, answers to what is under way, then nothing.
   *
   * @param timeoutMs - time for what is under way
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#stop.abort()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const timer = setTimeout(() => this.#server.closeAllConnections(), timeoutMs)
    await closed
    clearTimeout(timer)
  }

  #listenForFaults(): void {
    const { observer, share } = this.#options
    const server = this.#server
    server.on('connection', (socket: Socket) => {
      this.#count(1)
      socket.once('close', () => this.#count(-1))
      if (this.#open <= share.maxConnections) return
      observer.connectionFault('full')
      socket.destroy()
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      const status = statusOfFault(error.code)
      observer.connectionFault(status === 408 ? 'slow' : 'malformed')
      this.#refuse(socket, status)
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      if (!isRefused(socket)) return
      observer.connectionFault('tls')
      socket.destroy()
    })
    server.on('tlsClientError', (_error: Error, socket: Duplex) => {
      observer.connectionFault('tls')
      socket.destroy()
    })
    // Of another expectation nothing is waited for, but it is refused in its turn like everything else.
    for (const event of ['checkContinue', 'checkExpectation'] as const) {
      server.on(event, (request: IncomingMessage, response: ServerResponse) =>
        this.#begin(request, response, true),
      )
    }
    server.on('connect', (_request: IncomingMessage, socket: Duplex) => this.#refuse(socket, 405))
  }

  #count(change: 1 | -1): void {
    this.#open += change
    const full = this.#open >= this.#options.share.maxConnections
    if (full === this.#full) return
    this.#full = full
    this.#options.onFull?.(full)
  }

  /** Refuse what is no request. An answer while another one is due would be taken for that one. */
  #refuse(socket: Duplex, status: number): void {
    const known = this.#connections.get(socket)
    if (known !== undefined && known.underWay > 0) socket.destroy()
    else refuseConnection(socket, status, this.#isSecure)
  }

  get #isSecure(): boolean {
    return this.#options.tls !== undefined
  }

  #connectionOf(socket: Socket): Connection {
    const known = this.#connections.get(socket)
    if (known !== undefined) return known
    const made = new Connection(socket, this.#budget)
    this.#connections.set(socket, made)
    return made
  }

  #begin(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const connection = this.#connectionOf(request.socket)
    connection.underWay += 1
    if (connection.underWay > MAX_PIPELINED) {
      this.#options.observer.connectionFault('pipelined')
      connection.socket.destroy()
      return
    }
    response.once('close', () => {
      connection.underWay -= 1
    })
    const id = `${this.#options.idPrefix}-${(++this.#requests).toString(36)}`
    const turn: Turn = {
      request,
      response,
      connection,
      id,
      awaitsContinue,
      route: 'none',
      bodyLease: undefined,
    }
    const { previous } = connection
    const served =
      previous === undefined ? this.#serve(turn) : previous.then(() => this.#serve(turn))
    connection.previous = served.catch((fault: unknown) => {
      turn.bodyLease?.close()
      connection.socket.destroy()
      this.#options.observer.request({ id, route: turn.route, status: 500, durationMs: 0, fault })
    })
  }

  async #serve(turn: Turn): Promise<void> {
    const startedAt = performance.now()
    const { request, response, connection, id } = turn
    // Behind the last request of a connection is none, whatever it looks like (RFC 9112 §9.6).
    if (connection.ends) return
    const answer = await this.#answer(turn)
    const close = this.#closes(turn, answer)
    connection.ends = close
    if (close && !request.complete) connection.linger()
    const options = { requestId: id, isSecure: connection.isSecure, close }
    const timeoutMs = this.#options.http.bodyTimeoutSeconds * 1000
    const limits = { lease: connection.lease, timeoutMs }
    const streaming =
      answer.stream === undefined
        ? undefined
        : sendStream(response, answer.stream, answer, options, limits, this.#stop.signal)
    if (streaming === undefined && !connection.socket.destroyed) {
      sendAnswer(response, answer, options, limits)
    }
    turn.bodyLease?.close()
    const durationMs = performance.now() - startedAt
    const { status, fault } = answer
    this.#options.observer.request({ id, route: turn.route, status, durationMs, fault })
    await streaming
  }

  /** Never fails: a failure is an answer. */
  async #answer(turn: Turn): Promise<Answer> {
    let known: { readonly exchange: Exchange; readonly route: Route } | undefined
    try {
      known = this.#exchange(turn)
      const { exchange, route: found } = known
      turn.route = found.name
      if (found.methods !== 'any' && !found.methods.includes(exchange.method)) {
        return methodRefused(found, found.methods, exchange)
      }
      if ((exchange.head.contentLength ?? 0) > this.#options.http.maxBodyBytes) throw tooLarge()
      return await found.answer(exchange)
    } catch (error) {
      const status = statusOf(error)
      const answer = known?.route.refuse?.(status, error, known.exchange) ?? errorAnswer(error)
      if (status === 500) return { ...answer, fault: error }
      return GatewayError.is(error) && error.ends ? { ...answer, close: true } : answer
    }
  }

  /** @throws GatewayError, for what is refused before it is looked at who asks */
  #exchange(turn: Turn): { exchange: Exchange; route: Route } {
    const { request, connection } = turn
    const head = readHead(request.rawHeaders, request.httpVersion)
    const method = request.method ?? ''
    if (!METHODS.includes(method)) {
      throw new GatewayError('ERR_GATEWAY_METHOD_UNKNOWN', 'the method is not served')
    }
    const target = parseTarget(request.url ?? '')
    const host = target.authority ?? head.host
    if (!isOwnHost(host, connection.localAddress, connection.isSecure, this.#hosts)) {
      throw new GatewayError('ERR_GATEWAY_HOST_FOREIGN', 'not the name of this server')
    }
    const found = this.#options.routes.find(target.path)
    if (found === undefined) {
      throw new GatewayError('ERR_GATEWAY_ROUTE_UNKNOWN', 'nothing is served there')
    }
    const { remoteAddress, remotePort, localAddress } = connection
    const exchange: Exchange = {
      method,
      head,
      rest: found.rest,
      facts: {
        headers: request.rawHeaders,
        target,
        remoteAddress,
        remotePort,
        localAddress,
        tls: connection.tls(Date.now()),
      },
      readBody: (maxBytes) => this.#readBody(turn, head, maxBytes),
    }
    return { exchange, route: found.route }
  }

  /** Whether the connection can serve another request after this one. */
  #closes({ request, response, awaitsContinue, bodyLease }: Turn, answer: Answer): boolean {
    if (this.draining || answer.close === true || !response.shouldKeepAlive) return true
    if (answer.stream !== undefined) return true
    // The parser of Node.js drops what it has read behind such a request, so that nobody knows where the next one begins.
    if (request.headers.upgrade !== undefined) return true
    if (request.complete) return false
    // Given up in the middle, or perhaps never sent.
    if (bodyLease !== undefined || awaitsContinue) return true
    const length = request.headers['content-length']
    if (length === undefined) return request.headers['transfer-encoding'] !== undefined
    return !(Number(length) <= SMALL_REST)
  }

  #readBody(turn: Turn, head: RequestHead, most = Infinity): Promise<Uint8Array> {
    const { request, response } = turn
    const maxBytes = Math.min(most, this.#options.http.maxBodyBytes)
    if ((head.contentLength ?? 0) > maxBytes) return Promise.reject(tooLarge())
    if (!head.chunked && (head.contentLength ?? 0) === 0) return Promise.resolve(NOTHING)
    if (turn.awaitsContinue) {
      response.writeContinue()
      turn.awaitsContinue = false
    }
    turn.bodyLease = this.#budget.lease()
    return readBody(request, turn.bodyLease, {
      maxBytes,
      timeoutMs: this.#options.http.bodyTimeoutSeconds * 1000,
    })
  }
}

const NOTHING = new Uint8Array()

interface Turn {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly connection: Connection
  readonly id: string
  awaitsContinue: boolean
  route: RouteName
  bodyLease: ByteLease | undefined
}

function methodRefused(route: Route, methods: readonly string[], exchange: Exchange): Answer {
  const error = new GatewayError('ERR_GATEWAY_METHOD_REFUSED', 'the method is not served there')
  const refusal = route.refuse?.(error.status, error, exchange) ?? errorAnswer(error)
  return { ...refusal, headers: [...(refusal.headers ?? []), 'Allow', methods.join(', ')] }
}
