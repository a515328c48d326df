/** Keeps one connection: made when it is needed, and made again, not too often, when it is lost. */
import { bounded } from './bounded.ts'
import type { StoreClock } from './clock.ts'
import { Ending } from './ending.ts'
import { closedError } from './errors.ts'
import { isPermanent } from './options.ts'
import type { RegistryPort } from './registry-port.ts'

const FIRST_REST_MS = 100
const MAX_REST_MS = 30_000
/** After a login that was refused: five within five minutes would lock the account out. */
const REFUSED_REST_MS = 90_000
const CONNECT_TIMEOUT_MS = 60_000

/** Makes a connection that is logged in. The signal is aborted when nobody wants it any more. */
export type Connect = (options: { readonly signal: AbortSignal }) => Promise<RegistryPort>

export class Redial {
  readonly #connect: Connect
  readonly #clock: StoreClock
  #current: Promise<RegistryPort> | undefined
  #port: RegistryPort | undefined
  #restMs = FIRST_REST_MS
  /** While it rests: why it could not connect. */
  #failure: { readonly error: unknown } | undefined
  #cancelRest: (() => void) | undefined
  readonly #ending = new Ending()

  constructor(connect: Connect, clock: StoreClock) {
    this.#connect = connect
    this.#clock = clock
  }

  /**
   * The connection.
   *
   * @returns with `fresh`, whether it was made for this call
   * @throws what connecting throws; while it rests after that, the same error at once
   */
  async port(): Promise<{ readonly port: RegistryPort; readonly fresh: boolean }> {
    this.#ending.throwIfEnded()
    if (this.#port?.closed === true) this.lost(this.#port)
    if (this.#port !== undefined) return { port: this.#port, fresh: false }
    if (this.#failure !== undefined) throw this.#failure.error
    this.#current ??= this.#dial()
    return { port: await this.#current, fresh: true }
  }

  /** A connection is of no use any more. */
  lost(port: RegistryPort): void {
    if (this.#port !== port) return
    this.#port = undefined
    void hangUp(port)
  }

  async close(): Promise<void> {
    this.#ending.end(closedError())
    this.#cancelRest?.()
    const port = this.#port
    this.#port = undefined
    if (port !== undefined) await hangUp(port)
  }

  async #dial(): Promise<RegistryPort> {
    try {
      const port = await bounded(this.#clock, CONNECT_TIMEOUT_MS, this.#ending, async (own) => {
        const made = await this.#connect({ signal: own })
        // Nobody is there any more to use it.
        if (own.aborted) await hangUp(made)
        return made
      })
      this.#port = port
      this.#restMs = FIRST_REST_MS
      return port
    } catch (error) {
      if (!this.#ending.ended) this.#rest(error)
      throw error
    } finally {
      this.#current = undefined
    }
  }

  #rest(error: unknown): void {
    this.#failure = { error }
    const restMs = isPermanent(error) ? REFUSED_REST_MS : this.#restMs
    this.#restMs = Math.min(2 * this.#restMs, MAX_REST_MS)
    this.#cancelRest = this.#clock.after(
      restMs,
      () => {
        this.#failure = undefined
      },
      true,
    )
  }
}

async function hangUp(port: RegistryPort): Promise<void> {
  try {
    await port.close?.()
  } catch {}
}
