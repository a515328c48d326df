/** Waits for a daemon that was away, for its unlocking, and for the login that it then wants. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Reason, SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'

/** Wait before the first try again, and the longest one, milliseconds. */
const MIN_DELAY_MS = 100
const MAX_DELAY_MS = 2000

const AWAY = 'the connection to the daemon was lost; it goes on once it is back'
const LOGIN = 'the session has ended; it goes on after: sreg login NAME'

/** Reasons that pass, with what is told meanwhile. */
const PASSING: Readonly<Partial<Record<Reason, string>>> = {
  UNREACHABLE: AWAY,
  TIMEOUT: AWAY,
  SHUTTING_DOWN: AWAY,
  TOO_MANY_CONNECTIONS: AWAY,
  BUSY: AWAY,
  SEALED: 'the registry is sealed; it goes on after: sreg unlock',
  AUTH_REQUIRED: LOGIN,
  SESSION_INVALID: LOGIN,
}

export class Reconnect {
  readonly #context: Context
  readonly #signal: AbortSignal
  /** Tries since the last success. */
  #tries = 0
  #told: string | undefined
  #isLoginNeeded = false

  constructor(context: Context, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  /** What was tried again has begun. */
  succeeded(): void {
    this.#tries = 0
    this.#told = undefined
    this.#isLoginNeeded = false
  }

  /**
   * Wait until it can be tried again. Nothing is asked meanwhile that the audit log would have a record of.
   *
   * @throws `error`, when it is none that passes; the reason of the signal
   */
  async after(error: unknown): Promise<void> {
    for (let obstacle = error; obstacle !== undefined; obstacle = await this.#obstacle()) {
      await this.#wait(obstacle)
    }
  }

  async #wait(error: unknown): Promise<void> {
    const message = SecregError.is(error) ? PASSING[error.reason] : undefined
    if (message === undefined) throw error
    this.#isLoginNeeded ||= message === LOGIN
    if (message !== this.#told) await this.#context.note(message)
    this.#told = message
    const longest = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** Math.min(this.#tries++, 31))
    await sleep(longest / 2 + (Math.random() * longest) / 2, undefined, { signal: this.#signal })
  }

  /** What is in the way, as far as can be told without a login. */
  async #obstacle(): Promise<unknown> {
    try {
      const { state } = await this.#context.withRegistry('none', (registry) =>
        registry.status({ signal: this.#signal }),
      )
      if (state === 'sealed') return new SecregError('SEALED', 'the registry is sealed')
    } catch (error) {
      return error
    }
    if (!this.#isLoginNeeded || this.#context.hasLogin) return undefined
    return new SecregError('AUTH_REQUIRED', 'log in first')
  }
}
