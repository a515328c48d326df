/** A connection whose bytes the test writes itself, and that it may keep. */
import { connect, type Socket } from 'node:net'
import { waitFor } from '@secreg/testkit'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export class RawClient implements Disposable {
  readonly socket: Socket
  closed = false
  #text = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#text += chunk
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      this.closed = true
    })
  }

  static open(port: number, socket: Socket = connect(port, '127.0.0.1')): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const client = new RawClient(socket)
      socket.once('connect', () => resolve(client))
      socket.once('error', reject)
    })
  }

  /** What came and was not taken. */
  get text(): string {
    return this.#text
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Take the next answer, framed by its Content-Length. */
  answer(): Promise<RawAnswer> {
    return waitFor(() => this.#take(), { what: 'an answer', intervalMs: 2 })
  }

  whenClosed(timeoutMs = 10_000): Promise<boolean> {
    return waitFor(() => this.closed, {
      what: 'the end of the connection',
      timeoutMs,
      intervalMs: 2,
    })
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #take(): RawAnswer | undefined {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [first = '', ...lines] = this.#text.slice(0, end).split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    const length = Number(headers['content-length'] ?? 0)
    if (this.#text.length < end + 4 + length) return undefined
    const body = this.#text.slice(end + 4, end + 4 + length)
    this.#text = this.#text.slice(end + 4 + length)
    return { status: Number(first.split(' ')[1]), headers, body }
  }
}

/** A request of text; `Content-Length` is added unless headers frame the body. */
export function rawRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): string {
  const lines = Object.entries({ Host: '127.0.0.1', ...headers }).map(([n, v]) => `${n}: ${v}`)
  const framed = /content-length|transfer-encoding/i.test(Object.keys(headers).join())
  if (body !== undefined && !framed) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}
