/**
 * The enforcing side: asks a decision point over an injected `fetch`. Whatever goes wrong is a denial, so it never
 * rejects and never throws but for wrong arguments.
 */

import {
  type AuthzenAnswer,
  type AuthzenFailure,
  readDecision,
  readDecisions,
  unavailable,
} from './client-answer.ts'
import { AUTHZEN_PATHS } from './metadata.ts'
import { post } from './post.ts'
import type { AuthzenEvaluation, AuthzenEvaluationsRequest } from './types.ts'

/** Where and how to ask. */
export interface AuthzenClientOptions {
  /** URL of the decision point without query and fragment: https, or http on this machine. */
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  /** Longest time for one answer, a second attempt included, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number
  /** Longest answer, in bytes. Default 1 MiB. */
  readonly maxResponseBytes?: number
  /** Asked at each request, for example for `authorization`. Default: none. */
  readonly headers?: () => Readonly<Record<string, string>>
  /** A new `X-Request-ID`; default a random UUID. */
  readonly newRequestId?: () => string
}

/** Of one request. */
export interface AuthzenRequestOptions {
  readonly signal?: AbortSignal | undefined
}

/** Defaults of {@link AuthzenClientOptions}. */
export const AUTHZEN_CLIENT_DEFAULTS: Readonly<{ timeoutMs: number; maxResponseBytes: number }> =
  Object.freeze({ timeoutMs: 2_000, maxResponseBytes: 1_048_576 })

/** Asks a decision point. */
export interface AuthzenClient {
  /** Ask one question. Never rejects. */
  evaluate(evaluation: AuthzenEvaluation, options?: AuthzenRequestOptions): Promise<AuthzenAnswer>
  /**
   * Ask several at once; the answers come in their order, one for each. Never rejects. No questions are not sent.
   */
  evaluateAll(
    request: AuthzenEvaluationsRequest,
    options?: AuthzenRequestOptions,
  ): Promise<readonly AuthzenAnswer[]>
}

/**
 * Make a client.
 *
 * @throws RangeError for a base URL that is none, or is http on another machine, and for limits that are none
 *
 * @example
 * ```ts
 * const pdp = createAuthzenClient({ baseUrl: 'https://pdp.example.com', fetch })
 * const answer = await pdp.evaluate({
 *   subject: { type: 'user', id: 'alice' },
 *   action: { name: 'execute' },
 *   resource: { type: 'secret', id: '/kv/secret/app' },
 *   context: { supported_obligations: ['custom'] },
 * })
 * if (answer.decision === 'allow') console.log(answer.obligations)
 * ```
 */
export function createAuthzenClient(options: AuthzenClientOptions): AuthzenClient {
  const base = baseOf(options.baseUrl)
  if (typeof options.fetch !== 'function') throw new TypeError('fetch: expected a function')
  const timeoutMs = limit(options, 'timeoutMs')
  const maxResponseBytes = limit(options, 'maxResponseBytes')

  async function ask<T>(
    path: string,
    request: unknown,
    caller: AbortSignal | undefined,
    read: (value: unknown) => T,
    fail: (failure: AuthzenFailure) => T,
  ): Promise<T> {
    let timeout: AbortSignal | undefined
    try {
      if (caller?.aborted) return fail('aborted')
      timeout = AbortSignal.timeout(timeoutMs)
      // Node.js lets go of a timeout that only another signal follows: it would be collected, and never tell its end.
      timeout.addEventListener('abort', ignore)
      const signal = caller === undefined ? timeout : AbortSignal.any([timeout, caller])
      const result = await post(base + path, JSON.stringify(request, withoutNull), {
        fetch: options.fetch,
        headers: options.headers?.() ?? {},
        requestId: options.newRequestId?.() ?? globalThis.crypto.randomUUID(),
        maxResponseBytes,
        signal,
      })
      if ('value' in result) return read(result.value)
      return fail(caller?.aborted && result.failure === 'timeout' ? 'aborted' : result.failure)
    } catch {
      return fail('connect')
    } finally {
      timeout?.removeEventListener('abort', ignore)
    }
  }

  return {
    evaluate: (evaluation, { signal } = {}) =>
      ask(AUTHZEN_PATHS.evaluation, evaluation, signal, readDecision, unavailable),
    evaluateAll: async (request, { signal } = {}) => {
      const count = request.evaluations?.length ?? 0
      if (count === 0) return []
      return ask<readonly AuthzenAnswer[]>(
        AUTHZEN_PATHS.evaluations,
        { ...request, options: { evaluations_semantic: 'execute_all' } },
        signal,
        (value) => readDecisions(value, count),
        (failure) => Array.from({ length: count }, () => unavailable(failure)),
      )
    },
  }
}

function ignore(): void {}

/** AuthZEN leaves out what has no value. */
function withoutNull(_name: string, value: unknown): unknown {
  return value === null ? undefined : value
}

function baseOf(baseUrl: string): string {
  if (typeof baseUrl !== 'string') throw new TypeError('baseUrl: expected a string')
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url?.hostname ?? '')
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && local)
  if (
    url === undefined ||
    !safe ||
    url.username !== '' ||
    url.password !== '' ||
    /[?#]/.test(baseUrl)
  ) {
    throw new RangeError('baseUrl: expected an https URL without user, query and fragment')
  }
  return url.href.replace(/\/+$/, '')
}

function limit(options: AuthzenClientOptions, name: keyof typeof AUTHZEN_CLIENT_DEFAULTS): number {
  const value = options[name] ?? AUTHZEN_CLIENT_DEFAULTS[name]
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name}: expected a whole number from 1`)
  }
  return value
}
