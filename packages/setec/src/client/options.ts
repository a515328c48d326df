/** Options of a client. */
import { GUARD_HEADER, GUARD_VALUE, JSON_TYPE } from '../api/operation.ts'
import type { Fetch } from './fetch-types.ts'
import { parseServerAddress } from './server-address.ts'

/** Options of {@link Client}. */
export interface ClientOptions {
  /** Bearer token, sent with every request (RFC 6750); not with credentials in the address. Default none. */
  readonly token?: string
  /** Further headers of every request. Default none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Makes the requests. Default the platform's `fetch`. */
  readonly fetch?: Fetch
  /** Milliseconds of one request, its answer included, up to 24 days; 0 = no limit. Default 30,000. */
  readonly timeoutMs?: number
  /** Longest answer that is read, bytes, 1,024 to 1 GiB. Default 4,194,304 (4 MiB). */
  readonly maxAnswerBytes?: number
}

/** Options of one call. */
export interface CallOptions {
  /** Gives the request up; the call is rejected with its reason. */
  readonly signal?: AbortSignal
}

/** Options with every default filled in. */
export interface ClientSettings {
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: Fetch
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
  /** Parts of credentials, which no message may quote. */
  readonly secrets: readonly string[]
}

const TIMEOUT_MS = 30_000
const MAX_TIMEOUT_MS = 2 ** 31 - 1
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/** Headers that make a request one of this protocol. */
const FIXED: Readonly<Record<string, string>> = Object.freeze({
  'Content-Type': JSON_TYPE,
  [GUARD_HEADER]: GUARD_VALUE,
})

/** Check the address and the options, and fill in the defaults. No error quotes a credential. */
export function clientSettings(server: string, options: ClientOptions): ClientSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options: expected an object')
  }
  const { base, authorization, secrets } = parseServerAddress(server)
  const { token, fetch: given, timeoutMs = TIMEOUT_MS } = options
  if (given !== undefined && typeof given !== 'function') {
    throw new TypeError('fetch: expected a function')
  }
  const identified = authorization !== undefined || token !== undefined
  const headers = ownHeaders(options.headers ?? {}, identified ? ['authorization'] : [])
  const credentials = [...secrets]
  if (authorization !== undefined) headers['Authorization'] = authorization
  if (token !== undefined) {
    if (typeof token !== 'string') throw new TypeError('token: expected a string')
    if (!/^[!-~]+$/.test(token)) throw new RangeError('token: expected printable ASCII, no spaces')
    if (authorization !== undefined) {
      throw new TypeError('token: expected none, since the address has credentials')
    }
    headers['Authorization'] = `Bearer ${token}`
    credentials.push(token)
  }
  credentials.push(...Object.values(options.headers ?? {}).filter(({ length }) => length > 3))
  return {
    base,
    headers: { ...headers, ...FIXED },
    fetch: given ?? ((url, init) => fetch(url, init)),
    timeoutMs: integer(timeoutMs, 0, MAX_TIMEOUT_MS, 'timeoutMs'),
    maxAnswerBytes: integer(
      options.maxAnswerBytes ?? MAX_ANSWER_BYTES,
      1024,
      2 ** 30,
      'maxAnswerBytes',
    ),
    secrets: credentials.filter((text) => text !== ''),
  }
}

/** Headers of the caller, checked here because the platform's own check quotes the value. */
function ownHeaders(
  headers: Readonly<Record<string, string>>,
  more: readonly string[],
): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) {
    throw new TypeError('headers: expected an object')
  }
  const taken = new Set([...Object.keys(FIXED).map((name) => name.toLowerCase()), ...more])
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new RangeError('headers: a name is no token')
    if (taken.has(name.toLowerCase())) throw new RangeError(`headers: ${name} is not yours to set`)
    if (typeof value !== 'string' || !/^[\t -~]*$/.test(value)) {
      throw new RangeError(`headers.${name}: expected printable ASCII`)
    }
  }
  return { ...headers }
}

function integer(value: number, least: number, most: number, argument: string): number {
  if (typeof value !== 'number') throw new TypeError(`${argument}: expected a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${argument}: expected an integer from ${least} to ${most}`)
  }
  return value
}
