/** A document of an issuer, such as its keys (RFC 7517): GET through the egress child, bounded, an object of strict JSON. */
import type { Egress } from '../egress/egress-process.ts'
import { egressTransport } from './egress-transport.ts'
import { assertOutboundUrl, exchangeJson, withinMs } from './json-exchange.ts'
import { OutboundError } from './outbound-error.ts'

export interface FetchJsonOptions {
  readonly egress: Pick<Egress, 'call'>
  /** Certificates that the server is checked against, PEM. Undefined: those of the system. */
  readonly ca: string | undefined
  /** Ask without TLS, also elsewhere than on this machine. Default false. */
  readonly allowPlainHttp?: boolean
  /** Default 5,000. */
  readonly timeoutMs?: number
  /** When nobody waits any more. Default never. */
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 5000
const MAX_BYTES = 256 * 1024

/**
 * Fetch an object. No redirect is followed; what does not connect is tried once more.
 *
 * @throws RangeError for an address that may not be asked; OutboundError; the reason of the signal
 */
export async function fetchJson(
  url: string,
  options: FetchJsonOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { egress, ca, timeoutMs = TIMEOUT_MS } = options
  assertOutboundUrl(url, options.allowPlainHttp ?? false)
  const transport = egressTransport({ egress, ca, verifyTls: true, poolSize: 2, timeoutMs })
  const request = { method: 'GET', url, headers: { Accept: 'application/json' } } as const
  const { value } = await withinMs(timeoutMs, options.signal, (signal) =>
    exchangeJson(transport, request, { signal, maxAnswerBytes: MAX_BYTES, tries: 2 }),
  )
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OutboundError('ERR_OUTBOUND_ANSWER')
  }
  return value as Readonly<Record<string, unknown>>
}
