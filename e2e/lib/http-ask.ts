/** One HTTP request on a connection of its own, by what Node.js has alone. */
import { request as plain } from 'node:http'
import { type RequestOptions, request as secure } from 'node:https'

export interface AskOptions extends Pick<RequestOptions, 'localAddress' | 'ca' | 'cert' | 'key'> {
  /** Default POST where there is a body, else GET. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Request target as it is sent; default the path of the address. */
  readonly target?: string
  /** Sent as JSON, with its content type. */
  readonly body?: object
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
  /** Body of JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  readonly json: any
}

/** Ask; rejects when there is no answer. */
export function ask(url: string, options: AskOptions = {}): Promise<Answered> {
  const { body, headers = {}, target, ...rest } = options
  const text = body === undefined ? '' : JSON.stringify(body)
  const send = url.startsWith('https:') ? secure : plain
  const made = {
    method: body === undefined ? 'GET' : 'POST',
    ...rest,
    ...(target === undefined ? {} : { path: target }),
    agent: false,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      'Content-Length': String(Buffer.byteLength(text)),
      ...headers,
    },
  }
  return new Promise((resolve, reject) => {
    const asked = send(url, made, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const answer = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: answer,
          get json() {
            return JSON.parse(answer)
          },
        })
      })
    })
    asked.once('error', reject)
    asked.end(text)
  })
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` }
}

export function basic(user: string, password: string): Readonly<Record<string, string>> {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

/** What setec's server demands of its clients, against pages. */
export const SETEC_GUARD: Readonly<Record<string, string>> = Object.freeze({
  'Sec-X-Tailscale-No-Browsers': 'setec',
})
