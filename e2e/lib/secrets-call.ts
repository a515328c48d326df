/** Requests of the Secrets API, sent as they are: nothing between a test and the gateway repairs a query or a body. */
import { Agent, request, STATUS_CODES } from 'node:http'
import { expect } from 'vitest'

export type Method = 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH'

export interface SecretsAsk {
  /** By name, or as it is sent. */
  readonly query?: string | Readonly<Record<string, string>>
  /** An object is sent as JSON; a text or bytes as they are. */
  readonly body?: unknown
  readonly token?: string | undefined
  /** Default `Bearer`. */
  readonly scheme?: 'Bearer' | 'DPoP'
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Address that it comes from, of 127.0.0.0/8: failed credentials are counted by it. */
  readonly from?: string
}

export interface SecretsReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  readonly json: any
}

/** A value in a query: only what would end it, or be read as something else, is escaped. */
export function queryValue(text: string): string {
  return encodeURIComponent(text).replace(/%(?:2B|3A|2F|3F|3D|40)/g, decodeURIComponent)
}

function queryOf(query: SecretsAsk['query']): string {
  if (query === undefined) return ''
  if (typeof query === 'string') return `?${query}`
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${queryValue(value)}`)
  return `?${pairs.join('&')}`
}

/** Sends requests to one gateway, and keeps what was answered. */
export class SecretsCaller {
  /** Every answer but those that told a value, whole. */
  readonly told: string[] = []
  readonly #base: () => string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 200 })

  /** @param base - such as `http://127.0.0.1:40123` */
  constructor(base: () => string) {
    this.#base = base
  }

  /** Ask below `/api/secrets`. */
  async ask(method: Method, path: string, ask: SecretsAsk = {}): Promise<SecretsReply> {
    const reply = await this.#send(method, `/api/secrets${path}${queryOf(ask.query)}`, ask)
    const { status, headers, text } = reply
    this.told.push(JSON.stringify(headers))
    const mayTell = method === 'GET' && (path === '' || path === '/value') && status === 200
    if (!mayTell) this.told.push(text)
    expectFormOf(reply, `${method} ${path}`)
    return reply
  }

  /** `GET …/value`. */
  value(uri: string, token?: string, more: SecretsAsk = {}): Promise<SecretsReply> {
    return this.ask('GET', '/value', { ...more, query: { uri }, token })
  }

  /** `POST /api/secrets`. */
  write(uri: string, value: unknown, token?: string): Promise<SecretsReply> {
    return this.ask('POST', '', { body: { uri, value }, token })
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(method: Method, target: string, ask: SecretsAsk): Promise<SecretsReply> {
    const { body, token, scheme = 'Bearer', headers = {}, from } = ask
    const bytes =
      body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
        ? body
        : JSON.stringify(body)
    const { hostname, port } = new URL(this.#base())
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          method,
          hostname,
          port,
          path: target,
          agent: this.#agent,
          ...(from === undefined ? {} : { localAddress: from }),
          headers: {
            ...(bytes === undefined
              ? {}
              : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(bytes) }),
            ...(token === undefined ? {} : { Authorization: `${scheme} ${token}` }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.once('error', reject)
          response.once('end', () => {
            const text = Buffer.concat(chunks).toString()
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              get json() {
                return JSON.parse(text)
              },
            })
          })
        },
      )
      asked.once('error', reject)
      asked.end(bytes)
    })
  }
}

const CORRELATION = /^[A-Za-z0-9._-]{1,128}$/

/** What holds for every answer (specs: secrets-api §2.1, §2.2). */
export function expectFormOf({ status, headers, text }: SecretsReply, what: string): void {
  expect(headers, what).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-correlation-id': expect.stringMatching(CORRELATION),
    'content-type': expect.stringMatching(/^application\/json(?:; charset=utf-8)?$/i),
  })
  if (status < 400) return
  expect(JSON.parse(text), what).toMatchObject({
    error: STATUS_CODES[status],
    code: expect.stringMatching(/^[A-Z0-9_]+$/),
    message: expect.stringMatching(/^[^\n]{1,200}$/),
    correlation_id: headers['x-correlation-id'],
  })
}

/** Expect an answer, of whose body only what is given counts. */
export function expectReply(
  reply: SecretsReply,
  status: number,
  body: object = {},
  what?: string,
): SecretsReply {
  expect({ status: reply.status, body: JSON.parse(reply.text) }, what ?? reply.text).toMatchObject({
    status,
    body,
  })
  return reply
}

/** Expect a refusal. */
export function expectCode(
  reply: SecretsReply,
  status: number,
  code: string,
  what?: string,
): SecretsReply {
  return expectReply(reply, status, { code }, what)
}

/** Expect that policy refuses one secret, and nothing else. */
export function expectDenied(
  reply: SecretsReply,
  purpose: string,
  uri: string,
  failure = 'DENY',
): SecretsReply {
  return expectReply(reply, 403, {
    code: 'SECRET_AUTHZ_FAILED',
    details: { purpose, effect: 'Deny', failures: [{ uri, code: failure }] },
  })
}
