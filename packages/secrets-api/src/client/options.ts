/** Options of a client. */
import type { SecretsFetch } from './fetch-types.ts'

/**
 * Makes a proof that the sender holds the key of the token (RFC 9449 section 4.2), anew for each request.
 *
 * @param method - for `htm`
 * @param url - for `htu`: without a query
 * @param token - for `ath`
 * @returns a signed JWT
 */
export type SecretsProof = (method: string, url: string, token: string) => Promise<string>

/** Options of {@link createSecretsClient}. */
export interface SecretsClientOptions {
  /** Address of the server, before `/api/secrets`: https, a path may be in it; http for loopback addresses. */
  readonly url: string
  /** Bearer token of every request: visible ASCII, at most 16,384 characters. Default none. */
  readonly token?: string
  /** Gives the token of each request instead; what it throws is thrown. */
  readonly getToken?: (signal: AbortSignal) => Promise<string>
  /** With it, tokens are sent as `DPoP`; needs one. */
  readonly proof?: SecretsProof
  /** Makes the requests. Default the platform's `fetch`. */
  readonly fetch?: SecretsFetch
  /** Milliseconds of one request, its answer included, 1 to 2^31 − 1. Default 30,000. */
  readonly timeoutMs?: number
  /** Longest answer that is read, bytes, 1,024 to 64 MiB. Default 4,194,304 (4 MiB). */
  readonly maxAnswerBytes?: number
  /** Further tries of a read that was answered with 429 or 503, 0 to 10. Default 0. Changes are never repeated. */
  readonly readRetries?: number
  /** Longest wait before such a try, milliseconds; who is told to wait longer fails. Default 5,000. */
  readonly maxRetryWaitMs?: number
  /** Take http for any address: everybody on the way reads secrets and tokens. Default false. */
  readonly allowPlainHttp?: boolean
}

/** Options of one call. */
export interface SecretsCallOptions {
  /** Gives the call up, which is rejected with its reason. */
  readonly signal?: AbortSignal
}

/** Options with every default filled in. */
export interface ClientSettings {
  /** Of all routes, without a slash at its end. */
  readonly base: string
  readonly getToken: ((signal: AbortSignal) => Promise<string>) | undefined
  readonly proof: SecretsProof | undefined
  readonly fetch: SecretsFetch
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
  readonly readRetries: number
  readonly maxRetryWaitMs: number
}

const MAX_TIMER_MS = 2 ** 31 - 1
const MIB = 1024 * 1024

/** Check the options and fill in the defaults. @throws TypeError, RangeError which quote nothing of them */
export function clientSettings(options: SecretsClientOptions): ClientSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options: expected an object')
  }
  const { token, getToken, proof, fetch: given } = options
  for (const [name, one] of Object.entries({ getToken, proof, fetch: given })) {
    if (one !== undefined && typeof one !== 'function') {
      throw new TypeError(`${name}: expected a function`)
    }
  }
  if (token !== undefined && getToken !== undefined) {
    throw new TypeError('token: expected none, since there is getToken')
  }
  if (token !== undefined) checkCredential(token, 'token')
  const tokens = token === undefined ? getToken : () => Promise.resolve(token)
  if (proof !== undefined && tokens === undefined) {
    throw new TypeError('proof: expected token or getToken with it')
  }
  return {
    base: `${parseBase(options.url, options.allowPlainHttp === true)}/api/secrets`,
    getToken: tokens,
    proof,
    fetch: given ?? ((url, init) => fetch(url, init)),
    timeoutMs: integer(options.timeoutMs ?? 30_000, 1, MAX_TIMER_MS, 'timeoutMs'),
    maxAnswerBytes: integer(options.maxAnswerBytes ?? 4 * MIB, 1024, 64 * MIB, 'maxAnswerBytes'),
    readRetries: integer(options.readRetries ?? 0, 0, 10, 'readRetries'),
    maxRetryWaitMs: integer(options.maxRetryWaitMs ?? 5_000, 0, MAX_TIMER_MS, 'maxRetryWaitMs'),
  }
}

/** Check what goes into a header here: the platform's own check would quote it. */
export function checkCredential(text: string, argument: string): string {
  if (typeof text !== 'string') throw new TypeError(`${argument}: expected a string`)
  if (!/^[!-~]{1,16384}$/.test(text)) {
    throw new RangeError(`${argument}: expected 1 to 16,384 characters of visible ASCII`)
  }
  return text
}

/** Check an integer and give it back. */
export function integer(value: number, least: number, most: number, argument: string): number {
  if (typeof value !== 'number') throw new TypeError(`${argument}: expected a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${argument}: expected an integer from ${least} to ${most}`)
  }
  return value
}

/** Hosts of this machine, as the parser of URLs spells them. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

function parseBase(text: unknown, allowPlainHttp: boolean): string {
  if (typeof text !== 'string') throw new TypeError('url: expected a string')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new RangeError('url: expected an https URL')
  }
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) {
    throw new RangeError('url: expected no user, query or fragment')
  }
  if (url.protocol === 'http:' && !allowPlainHttp && !LOOPBACK.test(url.hostname)) {
    throw new RangeError('url: expected https, or allowPlainHttp')
  }
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}
