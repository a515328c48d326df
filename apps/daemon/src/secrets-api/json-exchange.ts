/** One question to a server elsewhere whose answer is JSON. */
import { type Kv2Answer, type Kv2Request, type Kv2Transport, Kv2TransportError } from '@secreg/kv2'
import { readStrictJson } from '@secreg/protocol'
import { OutboundError } from './outbound-error.ts'

/** How often and how much. */
export interface JsonExchangeOptions {
  /** When nobody waits any more. */
  readonly signal: AbortSignal
  readonly maxAnswerBytes: number
  /** Tries, of which only one that did not even connect is followed by another. */
  readonly tries: number
}

/** What was answered. */
export interface JsonAnswer {
  readonly headers: Kv2Answer['headers']
  readonly value: unknown
}

/** Objects and arrays within each other. */
const MAX_DEPTH = 32
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Ask. No redirect is followed, so that what is sent along goes nowhere else.
 *
 * @throws OutboundError; the reason of the signal
 */
export async function exchangeJson(
  transport: Kv2Transport,
  request: Kv2Request,
  options: JsonExchangeOptions,
): Promise<JsonAnswer> {
  try {
    const answer = await send(transport, request, options)
    return { headers: answer.headers, value: jsonOf(answer) }
  } catch (error) {
    throw error instanceof Kv2TransportError ? outboundErrorOf(error) : error
  }
}

/**
 * Do something within a time.
 *
 * @param work - is to end when its signal is aborted, with the reason of that
 * @throws OutboundError `ERR_OUTBOUND_TIMEOUT`; the reason of the signal; whatever `work` throws
 */
export async function withinMs<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const own = new AbortController()
  const timer = setTimeout(() => own.abort(new OutboundError('ERR_OUTBOUND_TIMEOUT')), timeoutMs)
  const onAbort = (): void => own.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(own.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/**
 * An address that may be asked: TLS, unless it is of this machine.
 *
 * @throws RangeError which does not quote it
 */
export function assertOutboundUrl(text: string, allowPlainHttp: boolean): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const { protocol, hostname } = url ?? {}
  const mayBePlain = allowPlainHttp || LOOPBACK.test(hostname ?? '')
  if (protocol !== 'https:' && !(protocol === 'http:' && mayBePlain)) {
    throw new RangeError('url: expected https')
  }
  if (url?.username !== '' || url.password !== '') throw new RangeError('url: expected no user')
}

async function send(
  transport: Kv2Transport,
  request: Kv2Request,
  { signal, tries, maxAnswerBytes }: JsonExchangeOptions,
): Promise<Kv2Answer> {
  for (let left = tries; ; left--) {
    try {
      return await transport.send(request, { signal, maxAnswerBytes })
    } catch (error) {
      const known = error instanceof Kv2TransportError ? error : undefined
      if (left <= 1 || known?.unsent !== true || known.own !== undefined) throw error
    }
  }
}

function jsonOf({ status, body, truncated }: Kv2Answer): unknown {
  if (status !== 200) throw new OutboundError('ERR_OUTBOUND_STATUS', { status })
  const read = truncated === true ? undefined : readStrictJson(body, MAX_DEPTH)
  if (read?.ok !== true) throw new OutboundError('ERR_OUTBOUND_ANSWER')
  return read.value
}

function outboundErrorOf({ unsent, own, code: transportCode }: Kv2TransportError): OutboundError {
  const isRefused = unsent && own !== undefined
  const code = isRefused ? 'ERR_OUTBOUND_REFUSED' : 'ERR_OUTBOUND_UNREACHABLE'
  return new OutboundError(code, { transportCode })
}
