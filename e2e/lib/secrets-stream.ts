/** A client of the stream of events (HTML standard, "Server-sent events"), which can stop reading. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { waitFor } from '@secreg/testkit'
import { expect } from 'vitest'

export interface StreamFrame {
  readonly id: number
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: an event is whatever the server sent
  readonly data: any
}

export interface StreamOptions {
  readonly token?: string
  readonly lastEventId?: string
}

export class SecretsStream implements Disposable {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** What came, as it came. */
  text = ''
  ended = false
  readonly #asked: ClientRequest
  readonly #response: IncomingMessage

  private constructor(asked: ClientRequest, response: IncomingMessage) {
    this.#asked = asked
    this.#response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      this.text += chunk
    })
    response.on('error', () => {})
    response.once('close', () => {
      this.ended = true
    })
  }

  /** Open one; resolves with the headers, whatever the status. */
  static open(base: string, { token, lastEventId }: StreamOptions = {}): Promise<SecretsStream> {
    return new Promise((resolve, reject) => {
      const asked = request(`${base}/api/secrets/events`, {
        agent: false,
        headers: {
          Accept: 'text/event-stream',
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
        },
      })
      asked.once('error', reject)
      asked.once('response', (response) => {
        asked.on('error', () => {})
        resolve(new SecretsStream(asked, response))
      })
      asked.end()
    })
  }

  /** Events so far; each has to be an id, a name and one line of data. Comments, and ids alone, are none. */
  get frames(): readonly StreamFrame[] {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .filter((frame) => !/^(?::[^\n]*\n?)*(?:id: \d+)?$/.test(frame))
      .map((frame) => {
        const [, id, event, data] =
          /^id: (\d+)\nevent: ([A-Z_]+)\ndata: ([^\n]+)$/.exec(frame) ?? []
        expect(id, `not a frame: ${JSON.stringify(frame)}`).not.toBe(undefined)
        return { id: Number(id), event: event as string, data: JSON.parse(data as string) }
      })
  }

  /** The first frame that is looked for. */
  frame(is: (frame: StreamFrame) => boolean): Promise<StreamFrame> {
    return waitFor(() => this.frames.find(is), { what: 'an event' })
  }

  /** Take nothing from now on. */
  pause(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  [Symbol.dispose](): void {
    this.#asked.destroy()
  }
}
