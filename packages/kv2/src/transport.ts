/** What carries requests: one HTTP exchange after another, without redirects, retries or logs. */

/** A request. */
export interface Kv2Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Absolute, encoded. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent as UTF-8. */
  readonly body?: string
}

/** An answer, whatever its status. */
export interface Kv2Answer {
  readonly status: number
  /** Names in lower case; `location` and `retry-after` are looked at. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As much as was read. */
  readonly body: Uint8Array
  /** The body is longer than what was read. Default false. */
  readonly truncated?: boolean
}

/** Limits of one exchange. */
export interface Kv2Limits {
  /** Ends it. */
  readonly signal: AbortSignal
  /** No more of a body is read or kept than so many bytes. */
  readonly maxAnswerBytes: number
}

/** Carries requests. */
export interface Kv2Transport {
  /**
   * One exchange.
   *
   * @throws Kv2TransportError; anything else is taken for a request that may have arrived
   */
  send(request: Kv2Request, limits: Kv2Limits): Promise<Kv2Answer>
  /** Let connections go. */
  close?(): void | Promise<void>
}

/** Where an exchange failed on this side, whatever the server is like: it had no room for it, or it failed itself. */
export type Kv2OwnFault = 'busy' | 'failed'

/** No answer came. */
export class Kv2TransportError extends Error {
  override readonly name: string = 'Kv2TransportError'
  /** Nothing of the request can have arrived. */
  readonly unsent: boolean
  /** Code of the platform's error, such as `ECONNREFUSED`; anything else than capitals, digits and `_` is left out. */
  readonly code: string | undefined
  /** It tells nothing of the server. Undefined: it does. */
  readonly own: Kv2OwnFault | undefined

  constructor(unsent: boolean, code?: string, own?: Kv2OwnFault) {
    super(unsent ? 'the server was not reached' : 'the connection broke off')
    this.unsent = unsent
    this.code = code !== undefined && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined
    this.own = own
  }
}
