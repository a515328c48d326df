/** HTTP by hand on a connection that is kept: bytes as they are, and answers one by one. */
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes as Latin-1. */
  readonly body: string
}

export interface RawConnectionOptions {
  /** Address of this end; the whole of 127.0.0.0/8 is there on Linux. Default 127.0.0.1. */
  readonly from?: string
}

/** One connection, whose bytes the test writes itself. */
export class RawConnection implements Disposable {
  readonly socket: Socket
  /** Resolves once it is closed, by whom ever. */
  readonly closed: Promise<void>
  #isClosed = false
  #text = ''
  #changed: (() => void)[] = []

  /** @param socket - connected, or about to be; also of TLS */
  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#text += chunk
      this.#tell()
    })
    // A server that refuses closes while it is still sent to.
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true
        this.#tell()
        resolve()
      })
    })
  }

  /** Connect to a port of 127.0.0.1. */
  static open(port: number, { from }: RawConnectionOptions = {}): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const local = from === undefined ? {} : { localAddress: from }
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...local })
      const connection = new RawConnection(socket)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(connection)
      })
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What has come and was not taken. */
  get text(): string {
    return this.#text
  }

  send(bytes: string | Uint8Array): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1')
    else this.socket.write(bytes)
  }

  /** The next answer; undefined when the connection ends before there is a whole one. */
  async next(): Promise<RawAnswer | undefined> {
    for (;;) {
      const answer = this.#take()
      if (answer !== undefined || this.#isClosed) return answer
      await new Promise<void>((resolve) => this.#changed.push(resolve))
    }
  }

  /**
   * The next answer, which has to come.
   *
   * @param timeoutMs - default 10,000
   * @throws Error when it takes longer, or the connection ends before
   */
  async answer(timeoutMs = 10_000): Promise<RawAnswer> {
    return given(await within(timeoutMs, this.next(), 'an answer'))
  }

  /**
   * Send a request and take its answer, however long that takes.
   *
   * @throws Error when the connection ends before
   */
  async ask(bytes: string | Uint8Array): Promise<RawAnswer> {
    this.send(bytes)
    return given(await this.next())
  }

  /** Every answer until the server closes. */
  async rest(): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = []
    for (;;) {
      const answer = await this.next()
      if (answer === undefined) return answers
      answers.push(answer)
    }
  }

  /**
   * Wait until it is closed.
   *
   * @param timeoutMs - default 10,000
   * @throws Error when that takes longer
   */
  whenClosed(timeoutMs = 10_000): Promise<void> {
    return within(timeoutMs, this.closed, 'the end of the connection')
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #tell(): void {
    for (const changed of this.#changed.splice(0)) changed()
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
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]), headers, body }
  }
}

function given(answer: RawAnswer | undefined): RawAnswer {
  if (answer === undefined) throw new Error('the server closed without an answer')
  return answer
}

async function within<T>(timeoutMs: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * A request as text.
 *
 * @param headers - beside `Host`; with a body also beside `Content-Length`, unless they frame it themselves
 * @param body - Latin-1, one character for each byte
 */
export function rawRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([n, v]) => `${n}: ${v}`)
  const isFramed = Object.keys(headers).some((name) =>
    /^(?:content-length|transfer-encoding)$/i.test(name),
  )
  if (body !== '' && !isFramed) lines.push(`Content-Length: ${body.length}`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}
