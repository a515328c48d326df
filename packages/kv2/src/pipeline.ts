/** What every call goes through: room, circuit, deadline, token, retries. */
import { Circuit, type CircuitVerdict } from './circuit.ts'
import { pause, within } from './clock.ts'
import { Closing } from './closing.ts'
import { Kv2Error, type Kv2ErrorCode } from './errors.ts'
import { type Answer, type Asked, exchange, failure } from './exchange.ts'
import { observed } from './observed.ts'
import { notify } from './observer.ts'
import type { Settings } from './options.ts'
import { Session } from './session.ts'

/** Sends one request as the client, and answers what came: whatever status it has. */
export type Send = (asked: Asked) => Promise<Answer>

/** Tries of what changes nothing. */
const READ_TRIES = 2
/** Before the second: so many milliseconds and as many again, at random. */
const RETRY_PAUSE_MS = 50
/** Statuses of a server that may answer better in a moment. */
const RETRIED: ReadonlySet<number> = new Set([412, 472, 473, 500, 502, 503, 504])

/** Errors that tell of a server that does not work, beside 5xx. */
const FAILURES: ReadonlySet<Kv2ErrorCode> = new Set([
  'ERR_KV2_UNAVAILABLE',
  'ERR_KV2_SEALED',
  'ERR_KV2_TIMEOUT',
  'ERR_KV2_ANSWER_INVALID',
])
/** Errors that tell nothing of the server. */
const UNTOLD: ReadonlySet<Kv2ErrorCode> = new Set([
  'ERR_KV2_BUSY',
  'ERR_KV2_CLOSED',
  'ERR_KV2_INVALID_PATH',
  'ERR_KV2_TRANSPORT_FAILED',
])

export class Pipeline {
  readonly #settings: Settings
  readonly #session: Session
  readonly #circuit: Circuit
  readonly #closing = new Closing()
  #running = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#session = new Session(settings, this.#closing)
    this.#circuit = new Circuit(settings.circuit, settings.clock, (state) =>
      notify(() => settings.observer.onCircuit?.(state)),
    )
  }

  /**
   * @param operation - what it is, for errors and the observer; `readOnly` as in requests
   * @param work - sends requests and reads their answers
   * @throws Kv2Error; the reason of the signal when that is aborted
   */
  run<T>(
    operation: Pick<Asked, 'operation' | 'readOnly'>,
    signal: AbortSignal | undefined,
    work: (send: Send) => Promise<T>,
  ): Promise<T> {
    const task = (): Promise<T> => this.#admitted(operation, signal, work)
    return observed(this.#settings, operation.operation, task, signal)
  }

  async close(): Promise<void> {
    if (this.#closing.isClosed) return
    this.#closing.close()
    await this.#settings.transport.close?.()
  }

  async #admitted<T>(
    operation: Pick<Asked, 'operation' | 'readOnly'>,
    signal: AbortSignal | undefined,
    work: (send: Send) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    if (this.#closing.isClosed) throw failure(operation, 'ERR_KV2_CLOSED')
    if (this.#running >= this.#settings.maxConcurrent) throw failure(operation, 'ERR_KV2_BUSY')
    const report = this.#circuit.enter()
    if (report === undefined) throw failure(operation, 'ERR_KV2_CIRCUIT_OPEN')
    this.#running++
    try {
      const result = await this.#timed(operation, signal, work)
      report('alive')
      return result
    } catch (error) {
      report(verdictOf(error))
      throw error
    } finally {
      this.#running--
    }
  }

  #timed<T>(
    operation: Pick<Asked, 'operation' | 'readOnly'>,
    signal: AbortSignal | undefined,
    work: (send: Send) => Promise<T>,
  ): Promise<T> {
    const { clock, timeoutMs } = this.#settings
    let sent = false
    const late = (): Kv2Error =>
      failure(operation, 'ERR_KV2_TIMEOUT', { outcomeUnknown: sent && !operation.readOnly })
    return within(clock, { timeoutMs, late, closing: this.#closing, signal }, (own) =>
      work((asked) =>
        this.#tries(asked, own, () => {
          sent ||= !asked.readOnly
        }),
      ),
    )
  }

  async #tries(asked: Asked, signal: AbortSignal, sending: () => void): Promise<Answer> {
    const { clock, random } = this.#settings
    for (let left = asked.readOnly ? READ_TRIES : 1; ; left--) {
      let answer: Answer | undefined
      try {
        answer = await this.#authorized(asked, signal, sending)
        if (left === 1 || !RETRIED.has(answer.status)) return answer
      } catch (error) {
        if (left === 1 || signal.aborted || !Kv2Error.is(error, 'ERR_KV2_UNAVAILABLE')) throw error
      }
      await pause(clock, RETRY_PAUSE_MS * (1 + random()), signal)
    }
  }

  /** A denial may mean that the token is none any more: one more try with another. */
  async #authorized(asked: Asked, signal: AbortSignal, sending: () => void): Promise<Answer> {
    const lease = await this.#session.lease()
    signal.throwIfAborted()
    sending()
    const answer = await exchange(this.#settings, asked, lease.token, signal)
    if (answer.status !== 403) return answer
    const other = await this.#session.afterDenial(lease)
    if (other === undefined) return answer
    signal.throwIfAborted()
    const second = await exchange(this.#settings, asked, other.lease.token, signal)
    if (second.status === 403 && other.isNew) this.#session.loginWasUseless()
    return second
  }
}

/** What an error tells of the server. */
function verdictOf(error: unknown): CircuitVerdict {
  if (!Kv2Error.is(error) || UNTOLD.has(error.code)) return 'unknown'
  return FAILURES.has(error.code) ? 'failed' : 'alive'
}
