/** One POST of JSON over an injected `fetch`, bounded in time and size. */

import type { AuthzenFailure } from './client-answer.ts'
import { parseStrictJson } from './strict-json.ts'

/** How to send. */
export interface PostOptions {
  readonly fetch: typeof globalThis.fetch
  readonly headers: Readonly<Record<string, string>>
  readonly requestId: string
  readonly maxResponseBytes: number
  /** Ends it, whatever `fetch` makes of it. */
  readonly signal: AbortSignal
}

/** What came of it. */
export type PostResult = { readonly value: unknown } | { readonly failure: AuthzenFailure }

class Failure extends Error {
  readonly failure: AuthzenFailure

  constructor(failure: AuthzenFailure) {
    super(failure)
    this.failure = failure
  }
}

/** Codes of Node.js and undici for a connection that did not come to be, so that nothing was sent. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Send, and once more if there was no connection; read the answer. Never rejects. */
export async function post(url: string, body: string, options: PostOptions): Promise<PostResult> {
  const { signal } = options
  const end = abortion(signal)
  try {
    return { value: await Promise.race([exchange(url, body, options), end.promise]) }
  } catch (error) {
    if (error instanceof Failure) return { failure: error.failure }
    return { failure: signal.aborted ? 'timeout' : 'connect' }
  } finally {
    end.forget()
  }
}

/** Rejects when the signal is aborted. */
function abortion(signal: AbortSignal): { promise: Promise<never>; forget: () => void } {
  let forget = (): void => {}
  const promise = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(new Failure('timeout'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    forget = () => signal.removeEventListener('abort', abort)
  })
  return { promise, forget }
}

async function exchange(url: string, body: string, options: PostOptions): Promise<unknown> {
  const response = await send(url, body, options)
  if (response.status !== 200) throw new Failure('status')
  if (response.headers.get('x-request-id') !== options.requestId) throw new Failure('request-id')
  const bytes = await readBytes(response, options.maxResponseBytes)
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    throw new Failure('json')
  }
}

async function send(url: string, body: string, options: PostOptions): Promise<Response> {
  const { fetch, headers, requestId, signal } = options
  const once = (): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'x-request-id': requestId },
      body,
      // Somewhere else is not the decision point that was configured.
      redirect: 'error',
      signal,
    })
  try {
    return await once()
  } catch (error) {
    if (signal.aborted || !isUnconnected(error)) throw error
    return await once()
  }
}

function isUnconnected(error: unknown): boolean {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return [error, cause].some((one) => NOT_CONNECTED.has((one as { code?: unknown } | null)?.code))
}

async function readBytes(response: Response, maxBytes: number): Promise<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.byteLength
    if (length > maxBytes) {
      // Whether the rest can be cancelled is of no interest here.
      reader.cancel().catch(() => {})
      throw new Failure('size')
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
