/**
 * The request target as it was sent (RFC 9112 §3.2), taken apart and never repaired: no percent-decoding, no dot
 * segments resolved, no slashes merged. What the registry decides on is what was asked for.
 *
 *     [ scheme "://" authority ] [ "/t/" token ] path [ "?" query ]
 */
import { LIMITS } from '@secreg/protocol'
import { GatewayError } from './errors.ts'

/** Longest target, characters: an entry path with each byte percent-encoded, a token, and a query. */
export const MAX_TARGET_CHARS = 8192

/** A target in its parts. */
export interface ParsedTarget {
  /** `absolute` is what a client sends to a proxy; only then does `Proxy-Authorization` mean us. */
  readonly form: 'origin' | 'absolute'
  /** Host and port of the absolute form, which then count instead of the header `Host` (RFC 9112 §3.2.2). */
  readonly authority: string | undefined
  /** Begins with `/`; without the prefix of a token. */
  readonly path: string
  /** What follows the first `?`, which is left out. */
  readonly query: string | undefined
  /** Credential in the prefix `/t/<token>`. For whoever identifies the caller and nobody else. */
  readonly token: string | undefined
}

/** Visible ASCII but `#`, which ends a target, and `\`, which some readers take for `/`. */
const TARGET = /^[!"$-[\]-~]+$/

/** Userinfo would be a credential at a place where none is looked for. */
const ABSOLUTE = /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(?=[/?]|$)/i

/** Unreserved characters (RFC 3986 §2.3). Dots alone would be a segment that others resolve. */
const TOKEN = /^[A-Za-z0-9_][A-Za-z0-9._~-]*$/

const TOKEN_PREFIX = '/t/'

/**
 * Take a request target apart.
 *
 * @param raw - the second word of the request line, as received
 * @throws GatewayError ERR_GATEWAY_TARGET_INVALID, ERR_GATEWAY_TARGET_TOO_LONG; no part of it is in the message
 */
export function parseTarget(raw: string): ParsedTarget {
  if (raw.length > MAX_TARGET_CHARS) {
    throw new GatewayError('ERR_GATEWAY_TARGET_TOO_LONG', 'the request target is too long')
  }
  if (!TARGET.test(raw)) throw invalid()
  const absolute = raw.startsWith('/') ? undefined : ABSOLUTE.exec(raw)
  if (absolute === null) throw invalid()
  const rest = absolute === undefined ? raw : raw.slice(absolute[0].length)
  const mark = rest.indexOf('?')
  const whole = mark < 0 ? rest : rest.slice(0, mark)
  const { token, path } = splitToken(whole === '' ? '/' : whole)
  return {
    form: absolute === undefined ? 'origin' : 'absolute',
    authority: absolute === undefined ? undefined : `${absolute[1]}${absolute[2] ?? ''}`,
    path,
    query: mark < 0 ? undefined : rest.slice(mark + 1),
    token,
  }
}

function splitToken(whole: string): { token: string | undefined; path: string } {
  if (!whole.startsWith(TOKEN_PREFIX)) return { token: undefined, path: whole }
  const end = whole.indexOf('/', TOKEN_PREFIX.length)
  const token = whole.slice(TOKEN_PREFIX.length, end < 0 ? undefined : end)
  // What looks like a token but is none is refused, so that it never becomes part of a path.
  if (token.length > LIMITS.tokenChars || !TOKEN.test(token)) throw invalid()
  const path = end < 0 ? '/' : whole.slice(end)
  if (path.startsWith(TOKEN_PREFIX)) throw invalid()
  return { token, path }
}

function invalid(): GatewayError {
  return new GatewayError('ERR_GATEWAY_TARGET_INVALID', 'the request target is not served here')
}
