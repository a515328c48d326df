/** One request and its answer. */
import { pathOf, type SetecOperation } from '../api/operation.ts'
import { Malformed, parseJson } from './answers.ts'
import { SetecError } from './errors.ts'
import type { FetchAnswer } from './fetch-types.ts'
import { networkError } from './network-error.ts'
import type { CallOptions, ClientSettings } from './options.ts'
import { dropBody, type Read, readBody } from './read-body.ts'
import { type Asked, describe, refusal } from './refusal.ts'
import { within } from './within.ts'

/** A request. */
export interface Call<T> {
  readonly operation: SetecOperation
  /** Members of the body, in setec's order. */
  readonly body: { readonly Name?: string; readonly Value?: string } & Readonly<
    Record<string, unknown>
  >
  /** Makes the result of the answer's JSON; throws Malformed. */
  readonly parse: (answer: unknown) => T
  /** Result of status 304; without one it is a failure. */
  readonly unchanged?: () => T
}

/** How much of the text of a refusal is read. */
const REFUSAL_BYTES = 4096

export class Transport {
  readonly #settings: ClientSettings

  constructor(settings: ClientSettings) {
    this.#settings = settings
  }

  /**
   * @throws SetecError; the reason of the signal when that is aborted
   */
  async send<T>(call: Call<T>, { signal }: CallOptions): Promise<T> {
    const { timeoutMs } = this.#settings
    const asked = { operation: call.operation, secret: call.body.Name }
    return within(
      timeoutMs,
      signal,
      (end) =>
        end === 'aborted'
          ? signal?.reason
          : failure(asked, 'ERR_SETEC_TIMEOUT', `no answer within ${timeoutMs} ms`),
      (own) => this.#request(call, asked, own),
    )
  }

  async #request<T>(call: Call<T>, asked: Asked, signal: AbortSignal): Promise<T> {
    const answer = await this.#fetch(call, asked, signal)
    if (signal.aborted) {
      dropBody(answer.body)
      throw signal.reason
    }
    const { status } = answer
    if (status === 304 && call.unchanged !== undefined) {
      dropBody(answer.body)
      return call.unchanged()
    }
    if (status !== 200) throw await this.#refusal(call, asked, answer)
    const { maxAnswerBytes } = this.#settings
    const { bytes, whole } = await this.#read(asked, answer, maxAnswerBytes)
    if (!whole) {
      const what = `the answer is longer than ${maxAnswerBytes} bytes`
      throw failure(asked, 'ERR_SETEC_ANSWER', what, { status })
    }
    try {
      return call.parse(parseJson(bytes))
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      const what = `the answer is malformed: ${error.message}`
      throw failure(asked, 'ERR_SETEC_ANSWER', what, { status })
    }
  }

  async #fetch<T>(call: Call<T>, asked: Asked, signal: AbortSignal): Promise<FetchAnswer> {
    const { base, headers, fetch } = this.#settings
    try {
      return await fetch(`${base}${pathOf(call.operation)}`, {
        method: 'POST',
        headers: { ...headers },
        body: JSON.stringify(call.body),
        // A redirect could lead the credentials and the value to another server.
        redirect: 'manual',
        signal,
      })
    } catch (error) {
      const cause = networkError(error)
      throw failure(asked, 'ERR_SETEC_TRANSPORT', 'the server was not reached', { cause })
    }
  }

  async #refusal<T>(call: Call<T>, asked: Asked, answer: FetchAnswer): Promise<SetecError> {
    const { bytes } = await this.#read(asked, answer, REFUSAL_BYTES)
    const text = new TextDecoder().decode(bytes)
    const { secrets } = this.#settings
    const value = call.body.Value ?? ''
    return refusal(
      asked,
      answer.status,
      text,
      answer.headers.get('retry-after'),
      value === '' ? secrets : [...secrets, value],
    )
  }

  async #read(asked: Asked, { body }: FetchAnswer, most: number): Promise<Read> {
    try {
      return await readBody(body, most)
    } catch (error) {
      const cause = networkError(error)
      throw failure(asked, 'ERR_SETEC_TRANSPORT', 'the answer broke off', { cause })
    }
  }
}

function failure(
  asked: Asked,
  code: 'ERR_SETEC_TIMEOUT' | 'ERR_SETEC_TRANSPORT' | 'ERR_SETEC_ANSWER',
  what: string,
  options: { readonly cause?: unknown; readonly status?: number } = {},
): SetecError {
  return new SetecError(code, `${describe(asked)}: ${what}`, { ...asked, ...options })
}
