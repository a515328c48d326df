/** What a request is answered with, and the headers that every answer has. */

/** One answer. */
export interface Answer {
  readonly status: number
  /** Undefined: no header; then the body is empty. */
  readonly contentType?: string | undefined
  readonly body: string | Uint8Array
  /** Further headers: name, value, … */
  readonly headers?: readonly string[]
  /** `X-Request-Id` in place of the one of this server. */
  readonly requestId?: string
  /** The connection is not used again. */
  readonly close?: boolean
  /** What was not a refusal but a fault of the program, for the log. */
  readonly fault?: unknown
  /**
   * In place of the body: what sends one piece by piece; when it resolves, the body is complete and the connection ends.
   * It is called once in any case, also when nobody is there any more: so it can let go of what it holds.
   */
  readonly stream?: (sink: Sink) => Promise<void>
}

/** Where a stream goes. */
export interface Sink {
  /** Aborted when nobody reads any more, or this server stops. */
  readonly signal: AbortSignal
  /** Send a piece; resolves when it is taken, or when nobody reads any more. */
  write(piece: string): Promise<void>
}

/**
 * Nothing here is a page: scripts, frames and caches get nothing out of it (Fetch, "CORS protocol": without its
 * headers no other origin reads it).
 */
const COMMON: readonly string[] = Object.freeze([
  'Cache-Control',
  'no-store',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy',
  'no-referrer',
  'X-Content-Type-Options',
  'nosniff',
  'X-Frame-Options',
  'DENY',
])

/** A year (RFC 6797 §6.1.1). */
const SECURE: readonly string[] = Object.freeze([
  ...COMMON,
  'Strict-Transport-Security',
  'max-age=31536000',
])

/** Headers of every answer: name, value, … */
export function commonHeaders(isSecure: boolean): readonly string[] {
  return isSecure ? SECURE : COMMON
}

/** An answer of JSON. */
export function jsonAnswer(
  status: number,
  value: unknown,
  headers: readonly string[] = [],
): Answer {
  return { status, contentType: 'application/json', body: JSON.stringify(value), headers }
}

/** Headers that tell when to ask again; none when it is not known. */
export function retryAfter(seconds: number | undefined): readonly string[] {
  return seconds === undefined ? [] : ['Retry-After', String(Math.max(1, Math.ceil(seconds)))]
}
