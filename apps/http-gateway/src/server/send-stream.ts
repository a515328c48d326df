/** Answers that are sent piece by piece: a peer that does not take a piece is disconnected, like any other. */
import type { ServerResponse } from 'node:http'
import type { Answer, Sink } from './answer.ts'
import { headersOf, type SendLimits, type SendOptions } from './send-answer.ts'

/**
 * Send a stream, and end the connection with it. Resolves when it has let go of everything, which may be after its end.
 *
 * @param stop - aborted when the server stops: the stream ends where it is
 * @throws whatever the stream throws; what was sent is then no whole body
 */
export async function sendStream(
  response: ServerResponse,
  stream: NonNullable<Answer['stream']>,
  answer: Answer,
  options: SendOptions,
  limits: SendLimits,
  stop: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  response.once('close', end)
  stop.addEventListener('abort', end, { once: true })
  if (response.socket?.destroyed === false) {
    const headers = [...headersOf(answer, options), 'Content-Type', answer.contentType ?? '']
    response.writeHead(answer.status, [...headers, 'Connection', 'close'])
    response.flushHeaders()
  } else end()
  if (stop.aborted) end()
  const { signal } = over
  const ended = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const sink: Sink = {
    signal,
    write: (piece) =>
      signal.aborted ? ended : Promise.race([ended, send(response, piece, limits)]),
  }
  const streaming = stream(sink)
  try {
    await Promise.race([streaming, ended])
    if (response.headersSent) response.end()
    else response.destroy()
    await streaming
  } finally {
    stop.removeEventListener('abort', end)
  }
}

/** It counts until the system has taken it, and may take so long. */
function send(
  response: ServerResponse,
  piece: string,
  { lease, timeoutMs }: SendLimits,
): Promise<void> {
  const bytes = Buffer.byteLength(piece)
  if (!lease.tryTake(bytes)) {
    response.destroy()
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), timeoutMs)
    timer.unref()
    response.write(piece, () => {
      clearTimeout(timer)
      lease.release(bytes)
      resolve()
    })
  })
}
