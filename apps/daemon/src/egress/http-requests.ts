/** Exchanges over HTTP, over connections that are kept for as long as somebody asks for such. */
import type { Kv2Answer, Kv2Transport } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { httpFaultOf } from './http-fault.ts'
import {
  HTTP_LIMITS,
  type HttpQuestion,
  type HttpResult,
  TOLD_HEADERS,
  type ToldHeader,
} from './http-messages.ts'

/** Kinds of connections that are kept: of every provider, decision point and issuer its own, and some that were. */
const MAX_KEPT = 16

/** Connections of one kind. */
interface Kept {
  readonly transport: Kv2Transport
  /** Exchanges under way. */
  users: number
  /** Closed once nobody uses it any more. */
  dropped: boolean
}

export class HttpRequests {
  /** By what they were made with; the one that was used last is the last. */
  readonly #kept = new Map<string, Kept>()

  /** Kinds of connections that are kept now. */
  get size(): number {
    return this.#kept.size
  }

  /**
   * One exchange.
   *
   * @returns makes the result of it: the same bytes, once more
   * @throws FaultError; after any but `NOT_SENT` and `TLS_FAILED` something may have arrived
   */
  async send(question: HttpQuestion, signal: AbortSignal): Promise<() => HttpResult> {
    const { method, url, headers, body, maxAnswerBytes } = question
    const kept = this.#take(question)
    try {
      const answer = await kept.transport.send(
        { method, url, headers, ...(body !== undefined && { body }) },
        { signal, maxAnswerBytes },
      )
      return () => resultOf(answer)
    } catch (error) {
      throw httpFaultOf(error, signal)
    } finally {
      kept.users--
      closeUnused(kept)
    }
  }

  #take({ ca, verifyTls, poolSize, connectTimeoutMs }: HttpQuestion): Kept {
    const kind = JSON.stringify([verifyTls, poolSize, connectTimeoutMs, ca])
    const kept = this.#kept.get(kind) ?? {
      transport: createNodeTransport({
        verifyTls,
        poolSize,
        connectTimeoutMs,
        ...(ca !== undefined && { ca }),
      }),
      users: 0,
      dropped: false,
    }
    kept.users++
    this.#kept.delete(kind)
    this.#kept.set(kind, kept)
    for (const [oldest, other] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT) break
      this.#kept.delete(oldest)
      other.dropped = true
      closeUnused(other)
    }
    return kept
  }
}

function closeUnused({ transport, users, dropped }: Kept): void {
  if (dropped && users === 0) void transport.close?.()
}

function resultOf({ status, headers, body, truncated = false }: Kv2Answer): HttpResult {
  const told: { [Name in ToldHeader]?: string } = {}
  for (const name of TOLD_HEADERS) {
    const value = headers[name]
    if (value !== undefined && value.length <= HTTP_LIMITS.headerValue) told[name] = value
  }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  return { status, headers: told, body: bytes.toString('base64'), truncated }
}
