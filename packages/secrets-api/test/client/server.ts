/** Servers of the tests of the client. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request that came. */
export interface Came {
  readonly method: string
  readonly path: string
  /** As it was sent. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly response: ServerResponse
}

/** What is answered: a status with JSON, or nothing where the response was used. */
export type Answered = readonly [status: number, body: unknown, headers?: Record<string, string>]

/** A server that is gone at the end of the test. */
export interface Server {
  readonly url: string
  readonly came: Came[]
}

/** @param respond - text is sent as it is, anything else as JSON */
export async function serve(
  respond: (came: Came) => Answered | undefined | Promise<Answered | undefined>,
): Promise<Server> {
  const came: Came[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    response.on('error', () => {})
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', async () => {
      const [path = '', query = ''] = String(request.url).split(/\?(.*)/s)
      const { method = '', headers } = request
      const one = { method, path, query, headers, body: Buffer.concat(pieces).toString(), response }
      came.push(one)
      const answered = await respond(one)
      if (answered === undefined) return
      const [status, body, more = {}] = answered
      response.writeHead(status, { 'Content-Type': 'application/json', ...more })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, came }
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  const none = Symbol('none')
  const error: unknown = await promise.then(
    () => none,
    (thrown: unknown) => thrown,
  )
  if (error === none) throw new Error('it was not rejected')
  return error as Record<string, unknown>
}

/** All of an iteration. */
export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
