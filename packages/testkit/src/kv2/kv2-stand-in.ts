/**
 * A stand-in of an OpenBao server, in this process and over real HTTP: KV version 2, tokens and AppRoles, in memory. It
 * takes the place of a server in tests of faults; that a client works with OpenBao or Vault it does not show.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { FaultPlan, type Kv2Fault, sendHuge } from './faults.ts'
import { Namespaces } from './namespaces.ts'
import { Refusal, type Reply } from './refusal.ts'
import { cleanTarget, readRequest } from './request-path.ts'
import type { SeenRequest } from './seen-request.ts'
import { type AppRole, type Lease, Tokens } from './tokens.ts'

export interface Kv2StandInOptions {
  /** Key and certificate, PEM. Default: no TLS. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Token that may do everything, and never ends. Default: made at random. */
  readonly rootToken?: string
  /** Namespaces beside the root. Each has its own mount `secret/`. Default none. */
  readonly namespaces?: readonly string[]
  /** Milliseconds for the headers and for the whole of a request. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** Milliseconds since 1970, before what `advance` adds. Default the system's clock. */
  readonly nowMs?: () => number
}

const MAX_BODY_BYTES = 32 * 1024 * 1024
const UNAUTHENTICATED = new Set(['sys/health', 'sys/seal-status', 'auth/approle/login'])

export class Kv2StandIn implements AsyncDisposable {
  readonly rootToken: string
  readonly #server: Server
  readonly #scheme: 'http' | 'https'
  readonly #tokens: Tokens
  readonly #namespaces: Namespaces
  readonly #faults = new FaultPlan()
  readonly #clockMs: () => number
  readonly #requests: SeenRequest[] = []
  #sealed = false
  #aheadMs = 0
  #lastNow = 0n
  #bytesOfHuge = 0
  #connections = 0

  private constructor(options: Kv2StandInOptions) {
    const { tls, namespaces = [], requestTimeoutMs = 10_000 } = options
    this.#clockMs = options.nowMs ?? Date.now
    this.rootToken = options.rootToken ?? `hvs.${randomBytes(18).toString('hex')}`
    this.#tokens = new Tokens(() => this.#nowMs())
    this.#tokens.add(this.rootToken, { ttlSeconds: 0 })
    this.#namespaces = new Namespaces(namespaces)
    this.#scheme = tls === undefined ? 'http' : 'https'
    const limits = {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(requestTimeoutMs, 1000),
    }
    this.#server = tls === undefined ? createServer(limits) : createTlsServer({ ...limits, ...tls })
    this.#server.on('request', (request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
    this.#server.on('connection', () => {
      this.#connections++
    })
  }

  /** Start one on a free port of 127.0.0.1. */
  static async start(options: Kv2StandInOptions = {}): Promise<Kv2StandIn> {
    const standIn = new Kv2StandIn(options)
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve))
    return standIn
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Without a slash at its end. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`
  }

  /** What came so far, in order. */
  get requests(): readonly SeenRequest[] {
    return this.#requests
  }

  /** Connections that were made so far. */
  get connections(): number {
    return this.#connections
  }

  /** Bytes of huge bodies that somebody took. */
  get bytesOfHuge(): number {
    return this.#bytesOfHuge
  }

  createToken(lease?: Lease): string {
    return this.#tokens.create(lease)
  }

  addRole(lease?: Lease): AppRole {
    return this.#tokens.addRole(lease)
  }

  /** End every token but the root's. */
  revokeTokens(): void {
    this.#tokens.revokeAllBut(this.rootToken)
  }

  /** Let time pass, for deletions and tokens. */
  advance(milliseconds: number): void {
    this.#aheadMs += milliseconds
  }

  seal(): void {
    this.#sealed = true
  }

  unseal(): void {
    this.#sealed = false
  }

  /**
   * Have the next requests go wrong.
   *
   * @param when - which requests; default all
   * @returns ends it
   */
  fail(
    fault: Kv2Fault,
    times = 1,
    when: (request: SeenRequest) => boolean = () => true,
  ): () => void {
    return this.#faults.add(fault, times, when)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #nowMs(): number {
    return this.#clockMs() + this.#aheadMs
  }

  /** Never the same twice, as on a clock of nanoseconds. */
  #now(): bigint {
    const now = BigInt(this.#nowMs()) * 1_000_000n
    this.#lastNow = now > this.#lastNow ? now : this.#lastNow + 1n
    return this.#lastNow
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(incoming)
    const request: SeenRequest = {
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      headers: incoming.headers,
      body: body ?? '',
    }
    this.#requests.push(request)
    const fault = this.#faults.take(request)
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms))
    if (fault?.kind === 'hold') await fault.until
    const work = (): Reply | Refusal =>
      body === undefined ? new Refusal(413, 'request body too large') : this.#work(request)
    if (fault === undefined || fault.kind === 'delay' || fault.kind === 'hold') {
      const clean = cleanTarget(request.target)
      if (clean === undefined) this.#send(response, request, work())
      else response.writeHead(307, { location: clean }).end()
      return
    }
    await this.#misbehave(response, request, fault, work)
  }

  async #misbehave(
    response: ServerResponse,
    request: SeenRequest,
    fault: Exclude<Kv2Fault, { kind: 'delay' } | { kind: 'hold' }>,
    work: () => Reply | Refusal,
  ): Promise<void> {
    switch (fault.kind) {
      case 'status':
        if (fault.done) work()
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        response.end(JSON.stringify({ errors: fault.errors ?? [] }))
        return
      case 'redirect': {
        const location = `${fault.to}${fault.target ?? request.target}`
        response.writeHead(fault.status ?? 307, { location }).end()
        return
      }
      case 'garbage':
        response.writeHead(fault.status ?? 200, { 'content-type': 'application/json' })
        response.end(fault.text ?? '<html>')
        return
      case 'huge':
        this.#bytesOfHuge += await sendHuge(response, fault.bytes)
        return
      case 'reset':
        if (fault.done) work()
        response.destroy()
        return
      case 'truncate':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{"data":{', () => response.destroy())
    }
  }

  #work(request: SeenRequest): Reply | Refusal {
    try {
      return this.#answer(request)
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
  }

  #answer(request: SeenRequest): Reply {
    const { operation, path, fields } = readRequest(request)
    if (path === 'sys/health') return { status: this.#sealed ? 503 : 200, data: null }
    if (this.#sealed) throw new Refusal(503, 'Vault is sealed')
    const mounts = this.#namespaces.find(headerOf(request, 'x-vault-namespace'))
    const token = tokenOf(request)
    if (!UNAUTHENTICATED.has(path)) this.#tokens.check(token)
    switch (path) {
      case 'auth/approle/login':
        return this.#tokens.login(fields.all)
      case 'auth/token/lookup-self':
        return this.#tokens.lookup(token as string)
      case 'auth/token/renew-self':
        return this.#tokens.renew(token as string)
      case 'auth/token/revoke-self':
        this.#tokens.revoke(token as string)
        return { status: 204 }
      default:
        return mounts.call(operation, path, fields, this.#now())
    }
  }

  #send(response: ServerResponse, request: SeenRequest, reply: Reply | Refusal): void {
    const namespace = headerOf(request, 'x-vault-namespace')
    const headers = {
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
    }
    response.statusCode = reply.status
    // Not yet the head: with the body at hand it gets its length, as the server's has.
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (reply instanceof Refusal) response.end(line({ errors: reply.errors }))
    else if (reply.status === 204 || reply.empty) response.end()
    else if (reply.status === 404 && reply.data === undefined) response.end(line({ errors: [] }))
    else response.end(line(envelopeOf(reply)))
  }
}

function envelopeOf({ data = null, auth = null, warnings }: Reply): object {
  return {
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: warnings ?? null,
    auth,
  }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function headerOf({ headers }: SeenRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function tokenOf(request: SeenRequest): string | undefined {
  const bearer = /^Bearer (.+)$/.exec(headerOf(request, 'authorization') ?? '')?.[1]
  return headerOf(request, 'x-vault-token') ?? bearer
}

/** Undefined when it is too large; the rest is read and thrown away. */
async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
    else chunks.length = 0
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString('utf8') : undefined
}
