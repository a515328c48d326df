/** Answers on their way out: what the peer does not take counts, and only for so long. */
import type { ServerResponse } from 'node:http'
import type { ByteLease } from '@secreg/host'
import { type Answer, commonHeaders } from './answer.ts'

export interface SendLimits {
  /** Of the connection, so that it ends with it: an answer that never had its turn says nothing of its end. */
  readonly lease: ByteLease
  /** Time in which a peer takes an answer, milliseconds. */
  readonly timeoutMs: number
}

export interface SendOptions {
  readonly requestId: string
  readonly isSecure: boolean
  /** The connection is not used again. */
  readonly close: boolean
}

/**
 * Send an answer. A peer that does not take it in time, or when there is no room to keep it, is disconnected.
 */
export function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  options: SendOptions,
  limits: SendLimits,
): void {
  const headers = headersOf(answer, options)
  if (answer.contentType !== undefined) {
    const length =
      typeof answer.body === 'string' ? Buffer.byteLength(answer.body) : answer.body.length
    headers.push('Content-Type', answer.contentType, 'Content-Length', String(length))
  } else if (answer.status !== 304 && answer.status !== 204) {
    headers.push('Content-Length', '0')
  }
  if (options.close) headers.push('Connection', 'close')
  response.writeHead(answer.status, headers)
  response.end(answer.contentType === undefined ? undefined : answer.body)
  const waiting = response.writableLength
  if (waiting > 0) keep(response, waiting, limits)
}

/** Headers of an answer but those of its body. */
export function headersOf(answer: Answer, options: SendOptions): string[] {
  const { requestId = options.requestId } = answer
  const common = commonHeaders(options.isSecure)
  return [...common, 'X-Request-Id', requestId, ...(answer.headers ?? [])]
}

function keep(response: ServerResponse, bytes: number, { lease, timeoutMs }: SendLimits): void {
  if (!lease.tryTake(bytes)) {
    response.destroy()
    return
  }
  const timer = setTimeout(() => response.destroy(), timeoutMs)
  timer.unref()
  response.once('close', () => {
    clearTimeout(timer)
    lease.release(bytes)
  })
}
