/** A setec server in this process, for the tests of programs that use one. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SecregError } from '@secreg/protocol'
import { GUARD_HEADER } from '../../api/operation.ts'
import type { SetecAnswer } from '../../server/answer.ts'
import { memorySetec } from '../../server/memory-port.ts'
import type { SetecPort } from '../../server/port.ts'
import { serveSetec } from '../../server/serve-setec.ts'
import { rulesAllow, type SetecRule } from '../../testing/rules.ts'
import { SetecDatabase } from '../../testing/setec-database.ts'

/** Options of {@link startSetecServer}. */
export interface SetecServerOptions {
  /**
   * Rights of each caller, by bearer token or by the user name of Basic credentials; of the name `''` without either.
   * Who is not named is not known (401). Default: whoever comes may do everything.
   */
  readonly callers?: Readonly<Record<string, readonly SetecRule[]>>
  /** Path that is put before that of each operation, such as `/t/token`. Default none. */
  readonly prefix?: string
}

/** A server that listens on 127.0.0.1. */
export interface SetecTestServer extends AsyncDisposable {
  /** Address for a client. */
  readonly url: string
  /** What is on it. */
  readonly db: SetecDatabase
  /** The address with a user name, for a caller of `callers`. */
  urlFor(caller: string): string
  /** Stop, and cut what is connected. Calling it again is harmless. */
  close(): Promise<void>
}

/** Longest body that is read: more than the longest value needs. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

/**
 * Start a server with an empty database in memory, which behaves as `@secreg/setec/server` does anywhere.
 *
 * @example
 * ```ts
 * await using server = await startSetecServer()
 * await server.db.put('db/password', 'correct horse')
 * const client = new Client(server.url)
 * ```
 */
export async function startSetecServer(options: SetecServerOptions = {}): Promise<SetecTestServer> {
  const { callers, prefix = '' } = options
  if (prefix !== '' && !/^(?:\/[^/?#\s]+)+$/.test(prefix)) {
    throw new RangeError('prefix: expected a path that begins, and does not end, with a slash')
  }
  const secrets = memorySetec()
  const everything = secrets.portFor(() => true)
  const identify = async (request: IncomingMessage): Promise<SetecPort> => {
    if (callers === undefined) return everything
    const caller = callerOf(request.headers.authorization)
    const rules = Object.hasOwn(callers, caller) ? callers[caller] : undefined
    if (rules === undefined) throw new SecregError('AUTH_FAILED', 'nobody of that name')
    return secrets.portFor((action, name) => rulesAllow(rules, action, name))
  }
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const head = {
      method: request.method ?? '',
      // What is not below the prefix is no operation.
      path: path.startsWith(prefix) ? path.slice(prefix.length) : '',
      contentType: request.headers['content-type'],
      guard: request.headers[GUARD_HEADER.toLowerCase()]?.toString(),
    }
    const exchange = { identify: () => identify(request), readBody: () => readBody(request) }
    serveSetec(head, exchange).then(
      (answer) => send(response, answer),
      (error: unknown) => response.destroy(error as Error),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const at = `127.0.0.1:${port}${prefix}`
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closing
  }
  return {
    url: `http://${at}`,
    db: new SetecDatabase(everything),
    urlFor: (caller) => `http://${encodeURIComponent(caller)}@${at}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function callerOf(authorization: string | undefined): string {
  const [scheme = '', credentials = ''] = (authorization ?? '').split(' ')
  if (scheme.toLowerCase() === 'bearer') return credentials
  if (scheme.toLowerCase() !== 'basic') return ''
  const [user = ''] = Buffer.from(credentials, 'base64').toString('utf8').split(':')
  return user
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > MAX_BODY_BYTES) throw new SecregError('FRAME_TOO_LARGE', 'the body is too long')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function send(response: ServerResponse, answer: SetecAnswer): void {
  const { status, contentType, body, nosniff, retryAfterSeconds } = answer
  if (contentType !== undefined) {
    response.setHeader('Content-Type', contentType)
    response.setHeader('Content-Length', Buffer.byteLength(body))
  }
  if (nosniff) response.setHeader('X-Content-Type-Options', 'nosniff')
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', retryAfterSeconds)
  response.writeHead(status)
  response.end(body)
}
