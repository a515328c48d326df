/** The operation `http.request`: one exchange over HTTP, as the daemon asks for it and as it is answered. */
import * as z from 'zod'

/** Bounds of an exchange. */
export const HTTP_LIMITS: {
  /** Characters of an address. */
  readonly url: number
  readonly headers: number
  /** Characters of a header's value, either way: the longest token of a server, and its scheme. */
  readonly headerValue: number
  /** Characters of certificates, PEM. */
  readonly ca: number
  /** Bytes of an answer's body. */
  readonly answerBytes: number
} = Object.freeze({
  url: 8192,
  headers: 32,
  headerValue: 8448,
  ca: 1024 * 1024,
  answerBytes: 2 * 1024 * 1024,
})

/** Headers of an answer that are told, in lower case. */
export type ToldHeader = 'content-type' | 'location' | 'retry-after' | 'x-request-id'

/** Every {@link ToldHeader}. */
export const TOLD_HEADERS: readonly ToldHeader[] = Object.freeze([
  'content-type',
  'location',
  'retry-after',
  'x-request-id',
] as const)

/** One exchange, and the connections that it may go over. */
export interface HttpQuestion {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Absolute, `http:` or `https:`, encoded, without a user. */
  readonly url: string
  /** With the credentials of this one peer. */
  readonly headers: Record<string, string>
  /** Sent as UTF-8. */
  readonly body?: string | undefined
  /** Certificates that the peer is checked against, PEM. Default: those of the system. */
  readonly ca?: string | undefined
  /** Check the peer's certificate. */
  readonly verifyTls: boolean
  /** Until a connection stands, TLS included. */
  readonly connectTimeoutMs: number
  /** Most connections to one host; exchanges beyond wait for each other. */
  readonly poolSize: number
  /** No more of a body is read. */
  readonly maxAnswerBytes: number
}

/** What came, whatever its status; no redirect is followed. */
export interface HttpResult {
  readonly status: number
  readonly headers: { readonly [Name in ToldHeader]?: string | undefined }
  /** Base64; empty where it is truncated. */
  readonly body: string
  /** The body is longer than what may be read. */
  readonly truncated: boolean
}

/** RFC 9110, section 5.6.2, of which these are all that anybody uses. */
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/
const PRINTABLE = /^[ -~]*$/
const MAX_MS = 600_000
const base64Length = (bytes: number): number => 4 * Math.ceil(bytes / 3)

const told = z.string().max(HTTP_LIMITS.headerValue).optional()

export const httpQuestion: z.ZodType<HttpQuestion> = z.strictObject({
  method: z.enum(['GET', 'POST', 'PATCH', 'DELETE']),
  url: z.string().max(HTTP_LIMITS.url).refine(isPlainUrl),
  headers: z
    .record(z.string().regex(HEADER_NAME), z.string().max(HTTP_LIMITS.headerValue).regex(PRINTABLE))
    .refine((headers) => Object.keys(headers).length <= HTTP_LIMITS.headers),
  body: z.string().optional(),
  ca: z.string().max(HTTP_LIMITS.ca).optional(),
  verifyTls: z.boolean(),
  connectTimeoutMs: z.int().min(1).max(MAX_MS),
  poolSize: z.int().min(1).max(1000),
  maxAnswerBytes: z.int().min(1).max(HTTP_LIMITS.answerBytes),
})

export const httpResult: z.ZodType<HttpResult> = z.strictObject({
  status: z.int().min(100).max(999),
  headers: z.strictObject({
    'content-type': told,
    location: told,
    'retry-after': told,
    'x-request-id': told,
  }),
  body: z.string().max(base64Length(HTTP_LIMITS.answerBytes)),
  truncated: z.boolean(),
})

function isPlainUrl(text: string): boolean {
  if (!/^https?:\/\/[!-~]+$/.test(text) || !URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username === '' && password === ''
}
