/** One request and its answer. */
import { answerError } from './answer-error.ts'
import { parseAnswer } from './answers.ts'
import { SecretsClientError } from './client-error.ts'
import type { SecretsFetchAnswer, SecretsFetchInit } from './fetch-types.ts'
import { type ClientSettings, checkCredential, type SecretsCallOptions } from './options.ts'
import { dropBody, type Read, readBody } from './read-body.ts'
import { Malformed, type Members } from './shape.ts'
import { pause, within } from './within.ts'

/** A request. */
export interface Call<T> {
  readonly method: SecretsFetchInit['method']
  /** Below the base: empty, or with a slash in front. */
  readonly path: string
  readonly query?: string
  /** JSON. */
  readonly body?: string
  /** Reads the answer; throws Malformed. */
  readonly parse: (answer: Members) => T
}

/** Statuses of a success: the second one is of many operations, of which some failed. */
const SUCCESS: ReadonlySet<number> = new Set([200, 207])
/** Those after which a read may be tried again. */
const LATER: ReadonlySet<number | undefined> = new Set([429, 503])
/** How much of a failure is read. */
const FAILURE_BYTES = 64 * 1024
/** Wait before the second try where the server names none, milliseconds; doubled for each further one. */
const FIRST_WAIT_MS = 200

/** @throws SecretsClientError; the reason of the signal when that is aborted; what getToken and proof throw */
export async function exchange<T>(
  settings: ClientSettings,
  call: Call<T>,
  { signal }: SecretsCallOptions,
): Promise<T> {
  const tries = call.method === 'GET' ? settings.readRetries : 0
  for (let attempt = 0; ; attempt++) {
    try {
      return await exchangeOnce(settings, call, signal)
    } catch (error) {
      if (attempt >= tries || !SecretsClientError.is(error) || !LATER.has(error.status)) throw error
      const { retryAfterSeconds } = error
      const waitMs =
        retryAfterSeconds === undefined ? FIRST_WAIT_MS * 2 ** attempt : retryAfterSeconds * 1000
      if (waitMs > settings.maxRetryWaitMs) throw error
      await pause(waitMs, signal)
    }
  }
}

function exchangeOnce<T>(
  settings: ClientSettings,
  call: Call<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const changes = call.method !== 'GET'
  const outcome = { outcomeUnknown: changes }
  return within(
    settings.timeoutMs,
    signal,
    () => new SecretsClientError('TIMEOUT', outcome),
    async (own) => {
      const { answer, secrets } = await request(settings, call, 'application/json', own)
      const { status } = answer
      if (!SUCCESS.has(status)) throw await failureOf(answer, changes, secrets)
      const { bytes, whole } = await read(answer, settings.maxAnswerBytes, outcome)
      if (!whole) throw new SecretsClientError('ANSWER_TOO_LARGE', { status, ...outcome })
      try {
        return call.parse(parseAnswer(bytes))
      } catch (error) {
        if (!(error instanceof Malformed)) throw error
        throw new SecretsClientError('ANSWER_INVALID', { status, ...outcome })
      }
    },
  )
}

/** An answer whose body is still to be read, and the credentials of its request. */
export interface Opened {
  readonly answer: SecretsFetchAnswer
  readonly secrets: readonly string[]
}

/**
 * Send a request. When the signal is aborted meanwhile, nobody reads the body.
 *
 * @param more - headers
 */
export async function request(
  settings: ClientSettings,
  { method, path, query, body }: Pick<Call<unknown>, 'method' | 'path' | 'query' | 'body'>,
  accept: string,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<Opened> {
  const url = `${settings.base}${path}`
  const { headers, secrets } = await credentialsOf(settings, method, url, signal)
  let answer: SecretsFetchAnswer
  try {
    answer = await settings.fetch(query === undefined ? url : `${url}?${query}`, {
      method,
      headers: {
        Accept: accept,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
        ...more,
      },
      ...(body === undefined ? {} : { body }),
      // A redirect could lead token and value to another server.
      redirect: 'error',
      cache: 'no-store',
      credentials: 'omit',
      signal,
    })
  } catch (error) {
    throw unreachable(error, { outcomeUnknown: method !== 'GET' })
  }
  if (signal.aborted) {
    dropBody(answer.body)
    throw signal.reason
  }
  return { answer, secrets }
}

async function credentialsOf(
  { getToken, proof }: ClientSettings,
  method: string,
  url: string,
  signal: AbortSignal,
): Promise<{ readonly headers: Record<string, string>; readonly secrets: readonly string[] }> {
  if (getToken === undefined) return { headers: {}, secrets: [] }
  const token = checkCredential(await getToken(signal), 'token')
  if (proof === undefined)
    return { headers: { Authorization: `Bearer ${token}` }, secrets: [token] }
  const proven = checkCredential(await proof(method, url, token), 'proof')
  return { headers: { Authorization: `DPoP ${token}`, DPoP: proven }, secrets: [token, proven] }
}

/** The error of an answer that is no success. */
export async function failureOf(
  answer: SecretsFetchAnswer,
  changes: boolean,
  secrets: readonly string[],
): Promise<SecretsClientError> {
  const { bytes } = await read(answer, FAILURE_BYTES, { outcomeUnknown: changes })
  const { status, headers } = answer
  return answerError({
    status,
    retryAfter: headers.get('retry-after'),
    correlation: headers.get('x-correlation-id'),
    bytes,
    changes,
    secrets,
  })
}

async function read(
  { body, status }: SecretsFetchAnswer,
  most: number,
  outcome: { readonly outcomeUnknown: boolean },
): Promise<Read> {
  try {
    return await readBody(body, most)
  } catch (error) {
    throw unreachable(error, { status, ...outcome })
  }
}

/** The error of a connection that failed: of what the platform says, its code alone. */
export function unreachable(
  error: unknown,
  options: { readonly status?: number; readonly outcomeUnknown: boolean },
): SecretsClientError {
  return new SecretsClientError('UNREACHABLE', { ...options, transportCode: platformCode(error) })
}

function platformCode(error: unknown): string | undefined {
  for (const one of [error, (error as { readonly cause?: unknown } | undefined)?.cause]) {
    const code = (one as { readonly code?: unknown } | null | undefined)?.code
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code)) return code
  }
  return undefined
}
