/** Requests of conformance cases, sent as they are. */
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { RawConnection } from '../raw-connection.ts'

export interface CaseAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Send a request; the target is not normalised, but what is not ASCII in it is encoded. */
export function sendCase(
  base: string,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<CaseAnswer> {
  const { hostname, port, protocol } = new URL(base)
  const path = target.replaceAll(/[^!-~]+/gu, encodeURIComponent)
  const bytes = Buffer.from(body ?? '')
  const options: RequestOptions = {
    method,
    hostname,
    port,
    path,
    agent: false,
    headers: {
      ...headers,
      ...((body !== undefined || /^P/.test(method)) && { 'content-length': String(bytes.length) }),
    },
  }
  return new Promise((resolve, reject) => {
    const request = (protocol === 'https:' ? httpsRequest : httpRequest)(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    request.on('error', reject)
    request.end(bytes)
  })
}

/** Requests that no client would send, by the id of their case: the bytes, after which nothing more comes. */
const RAW: Readonly<Record<string, (target: string, token: string) => string>> = Object.freeze({
  'envelope.token-newline': (target) =>
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: bad\u0001token\r\n\r\n`,
  'limits.content-length-lie': (target, token) =>
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: ${token}\r\nContent-Length: 10\r\n\r\n{}`,
  'limits.te-and-cl': (target, token) =>
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: ${token}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  'limits.slow-headers': (target) => `GET ${target} HTTP/1.1\r\nHost: local`,
})

export function isRaw(id: string): boolean {
  return Object.hasOwn(RAW, id)
}

/** Status 0 and no text: closed without an answer. Port of 127.0.0.1 only. */
export async function sendRaw(
  base: string,
  id: string,
  target: string,
  token: string,
): Promise<CaseAnswer> {
  using connection = await RawConnection.open(Number(new URL(base).port))
  connection.send(RAW[id]?.(target, token) ?? '')
  const answer = await connection.next()
  if (answer === undefined) return { status: 0, headers: {}, text: '' }
  return { status: answer.status, headers: answer.headers, text: answer.body }
}
