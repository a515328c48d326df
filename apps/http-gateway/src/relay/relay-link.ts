/** A relay that outlives its connection: made when it is needed, and anew after it was lost, with back-off. */
import type { SessionOf } from '@secreg/client'
import {
  type AuthResponse,
  type RequestName,
  type RequestOf,
  type ResponseOf,
  SecregError,
  type StatusResponse,
} from '@secreg/protocol'
import type { Relay, RelayConnection, RelayOptions } from './relay.ts'

/** Options of {@link RelayLink}. */
export interface RelayLinkOptions {
  readonly connect: () => Promise<RelayConnection>
  /** A connection was lost, and its sessions with it. */
  readonly onLost?: () => void
  /** A connection was made (true), or an attempt has failed (false). */
  readonly onAttempt?: (ok: boolean, error?: unknown) => void
  /** Milliseconds, of a clock that never goes back. Default that of the process. */
  readonly now?: () => number
}

/** Pause after the first failed attempt, and the longest one, milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

export class RelayLink implements Relay {
  readonly #options: RelayLinkOptions
  readonly #now: () => number
  #current: RelayConnection | undefined
  #attempt: Promise<RelayConnection> | undefined
  #failures = 0
  #nextAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: RelayLinkOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** A connection is there, as far as is known. */
  get connected(): boolean {
    return this.#current !== undefined && !this.#current.closed
  }

  async auth(request: RequestOf<'auth'>, options?: RelayOptions): Promise<AuthResponse> {
    return (this.#ready() ?? (await this.#connect())).auth(request, options)
  }

  async status(options?: RelayOptions): Promise<StatusResponse> {
    return (this.#ready() ?? (await this.#connect())).status(options)
  }

  async request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    sessionId: SessionOf<N>,
    options?: RelayOptions,
  ): Promise<ResponseOf[N]> {
    const connection = this.#ready() ?? (await this.#connect())
    return connection.request(name, payload, sessionId, options)
  }

  /** Close the connection; everything is refused from then on. */
  async close(): Promise<void> {
    this.#closed = true
    const current = this.#current ?? (await this.#attempt?.catch(() => undefined))
    this.#current = undefined
    await current?.close()
  }

  #ready(): RelayConnection | undefined {
    const current = this.#current
    if (current?.closed !== true) return current
    this.#drop(current)
    return undefined
  }

  #drop(connection: RelayConnection): void {
    if (this.#current !== connection) return
    this.#current = undefined
    this.#options.onLost?.()
  }

  /** @throws SecregError UNREACHABLE with the seconds until the next attempt; SHUTTING_DOWN */
  async #connect(): Promise<RelayConnection> {
    if (this.#closed) throw new SecregError('SHUTTING_DOWN', 'the gateway stops')
    if (this.#attempt === undefined) {
      const waitMs = this.#nextAt - this.#now()
      if (waitMs > 0) throw unreachable(waitMs)
      this.#attempt = this.#try().finally(() => {
        this.#attempt = undefined
      })
    }
    return this.#attempt
  }

  async #try(): Promise<RelayConnection> {
    let made: RelayConnection
    try {
      made = await this.#options.connect()
    } catch (error) {
      this.#failures += 1
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1))
      this.#nextAt = this.#now() + pauseMs
      this.#options.onAttempt?.(false, error)
      throw unreachable(pauseMs, error)
    }
    this.#failures = 0
    if (this.#closed) {
      await made.close()
      throw new SecregError('SHUTTING_DOWN', 'the gateway stops')
    }
    this.#current = made
    void made.ended.then(() => this.#drop(made))
    this.#options.onAttempt?.(true)
    return made
  }
}

function unreachable(waitMs: number, cause?: unknown): SecregError {
  return new SecregError('UNREACHABLE', 'the registry daemon does not answer', {
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    ...(cause === undefined ? {} : { cause }),
  })
}
