/**
 * The headers that say how a request is framed and what it is, read from the list as received: of such a header there
 * is one or none, and two readers of the same bytes cannot come to different answers (RFC 9112 §6, §11.2).
 */
import { GatewayError } from '../errors.ts'

export interface RequestHead {
  readonly host: string | undefined
  readonly contentType: string | undefined
  /** Declared length of the body, bytes. */
  readonly contentLength: number | undefined
  readonly chunked: boolean
  /** `Sec-X-Tailscale-No-Browsers`, which no script of a browser can set (setec docs/api.md). */
  readonly guard: string | undefined
  /** A browser has sent it. */
  readonly origin: string | undefined
}

/** Headers of one request; a client of ours sends ten. */
export const MAX_HEADERS = 64

const SINGLE = Object.freeze({
  __proto__: null,
  host: 'host',
  'content-type': 'contentType',
  'content-length': 'contentLength',
  'transfer-encoding': 'transferEncoding',
  'sec-x-tailscale-no-browsers': 'guard',
  origin: 'origin',
  expect: 'expect',
} as const)

type Single = {
  -readonly [P in (typeof SINGLE)[Exclude<keyof typeof SINGLE, '__proto__'>]]?: string
}

/**
 * Read the head of a request.
 *
 * @param rawHeaders - name, value, name, value, …
 * @param version - `1.1` or `1.0`
 * @throws GatewayError ERR_GATEWAY_HEADER_INVALID, ERR_GATEWAY_TOO_MANY_HEADERS, ERR_GATEWAY_EXPECTATION
 */
export function readHead(rawHeaders: readonly string[], version: string): RequestHead {
  if (version !== '1.1' && version !== '1.0') throw invalid('the version of HTTP is not served')
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    throw new GatewayError('ERR_GATEWAY_TOO_MANY_HEADERS', 'the request has too many headers')
  }
  const seen: Single = {}
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase()
    const member = SINGLE[name as Exclude<keyof typeof SINGLE, '__proto__'>]
    if (member === undefined) continue
    if (seen[member] !== undefined) throw invalid('a header is given twice')
    seen[member] = rawHeaders[at + 1] as string
  }
  const { transferEncoding, contentLength } = seen
  if (transferEncoding !== undefined) {
    // A proxy that reads another coding, or HTTP/1.0, frames the body otherwise than we do.
    if (transferEncoding.toLowerCase() !== 'chunked' || version === '1.0') {
      throw invalid('the transfer coding is not served')
    }
    if (contentLength !== undefined) throw invalid('the body has two lengths')
  }
  if (contentLength !== undefined && !/^[0-9]{1,15}$/.test(contentLength)) {
    throw invalid('the length of the body is none')
  }
  if (version === '1.1' && seen.host === undefined) throw invalid('the header Host is missing')
  if (seen.expect !== undefined && seen.expect.toLowerCase() !== '100-continue') {
    throw new GatewayError('ERR_GATEWAY_EXPECTATION', 'the expectation is not met')
  }
  return {
    host: seen.host,
    contentType: seen.contentType,
    contentLength: contentLength === undefined ? undefined : Number(contentLength),
    chunked: transferEncoding !== undefined,
    guard: seen.guard,
    origin: seen.origin,
  }
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_HEADER_INVALID', message)
}
