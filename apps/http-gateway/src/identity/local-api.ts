/** One question to the local API of tailscaled over its socket, in bounded time and size. */
import { type IncomingMessage, request } from 'node:http'

/** Options of {@link askLocalApi}. */
export interface LocalApiOptions {
  /** Path of the socket. */
  readonly socket: string
  /** Milliseconds for the whole answer. */
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
}

/** An answer. */
export interface LocalApiAnswer {
  readonly status: number
  readonly body: string
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Ask. Every question has a connection of its own: what one answer has too much cannot become the next one.
 *
 * @param path - with its query
 * @returns rejects when it is not answered in time, at too great a length, in part, or not in UTF-8
 */
export function askLocalApi(path: string, options: LocalApiOptions): Promise<LocalApiAnswer> {
  const { socket, timeoutMs, maxAnswerBytes } = options
  return new Promise((resolve, reject) => {
    // tailscaled refuses other hosts, and any Referer or Origin, because of browsers.
    const asked = request({
      socketPath: socket,
      path,
      headers: { Host: 'local-tailscaled.sock', Connection: 'close' },
      agent: false,
    })
    const fail = (error: Error): void => {
      clearTimeout(timer)
      asked.destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error('no answer in time')), timeoutMs)
    asked.once('response', (response) => {
      read(response, maxAnswerBytes).then(
        (body) => {
          clearTimeout(timer)
          asked.destroy()
          resolve({ status: response.statusCode ?? 0, body })
        },
        (error: Error) => fail(error),
      )
    })
    asked.on('error', fail)
    asked.once('upgrade', () => fail(new Error('another protocol')))
    // Also a peer that closes without a word.
    asked.once('close', () => fail(new Error('closed')))
    asked.end()
  })
}

/** Iterating rejects when the connection ends within the body. */
async function read(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return UTF8.decode(Buffer.concat(chunks))
}
