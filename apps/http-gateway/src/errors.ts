/** What the gateway itself refuses, before the registry is asked. */

/** Status that each refusal is answered with. */
const CODES = {
  /** The request target is not one that is served (RFC 9112 §3.2). */
  ERR_GATEWAY_TARGET_INVALID: 400,
  ERR_GATEWAY_TARGET_TOO_LONG: 414,
  /** A header is repeated, or says something that cannot be. */
  ERR_GATEWAY_HEADER_INVALID: 400,
  ERR_GATEWAY_TOO_MANY_HEADERS: 431,
  /** The request is for another host than this one. */
  ERR_GATEWAY_HOST_FOREIGN: 421,
  /** A page of another origin, or of this one: no page is served. */
  ERR_GATEWAY_ORIGIN: 403,
  ERR_GATEWAY_METHOD_UNKNOWN: 501,
  ERR_GATEWAY_METHOD_REFUSED: 405,
  ERR_GATEWAY_ROUTE_UNKNOWN: 404,
  ERR_GATEWAY_MEDIA_TYPE: 415,
  ERR_GATEWAY_BODY_INVALID: 400,
  ERR_GATEWAY_BODY_TOO_LARGE: 413,
  /** The body came too slowly. */
  ERR_GATEWAY_BODY_TIMEOUT: 408,
  /** The peer ended the connection within the body; nobody is left to be answered. */
  ERR_GATEWAY_ABORTED: 400,
  ERR_GATEWAY_EXPECTATION: 417,
  /** No room for bodies or answers at present. */
  ERR_GATEWAY_NO_ROOM: 503,
} as const

/** Stable code of a refusal. */
export type GatewayErrorCode = keyof typeof CODES

/** After these it is not certain where the next request would begin. */
const ENDING: ReadonlySet<GatewayErrorCode> = new Set([
  'ERR_GATEWAY_HEADER_INVALID',
  'ERR_GATEWAY_TOO_MANY_HEADERS',
  'ERR_GATEWAY_BODY_TOO_LARGE',
  'ERR_GATEWAY_BODY_TIMEOUT',
  'ERR_GATEWAY_ABORTED',
  'ERR_GATEWAY_NO_ROOM',
  'ERR_GATEWAY_EXPECTATION',
])

/** A refused request. `code` is stable; the message is a fixed text that quotes nothing of the request. */
export class GatewayError extends Error {
  override name = 'GatewayError'
  readonly code: GatewayErrorCode
  /** HTTP status of the answer. */
  readonly status: number
  /** Whether the connection ends with it. */
  readonly ends: boolean

  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = CODES[code]
    this.ends = ENDING.has(code)
  }

  static is(value: unknown): value is GatewayError {
    return value instanceof GatewayError
  }
}
