/** Who a peer is by the word of tailscaled on this machine. */
import { SecregError } from '@secreg/protocol'
import { isLoopback, isOwnAddress } from './address.ts'
import { ExpiringMap } from './expiring-map.ts'
import { FairGate } from './fair-gate.ts'
import { askLocalApi } from './local-api.ts'
import { SingleFlight } from './single-flight.ts'
import { readWhoisAnswer } from './whois-answer.ts'

/** Options of a Whois. */
export interface WhoisOptions {
  /** Milliseconds for one answer. Default 2000. */
  readonly timeoutMs?: number
  /** Longest answer that is read, bytes. Default 262,144. */
  readonly maxAnswerBytes?: number
  /** Milliseconds that an answer counts for a peer. Default 5000. */
  readonly keepMs?: number
  /** Answers that are kept. Default 4096. */
  readonly maxKept?: number
  /** Questions that are asked at once. Default 8. */
  readonly maxRunning?: number
  /** Questions that wait. Default 64. */
  readonly maxWaiting?: number
  /** Whether a normal address, not of loopback, is of this machine. Default: by its interfaces. */
  readonly isOwnAddress?: (address: string) => boolean
  /** Monotonic time, milliseconds. Default: that of the process. */
  readonly nowMs?: () => number
}

const DEFAULTS = Object.freeze({
  timeoutMs: 2000,
  maxAnswerBytes: 256 * 1024,
  keepMs: 5000,
  maxKept: 4096,
  maxRunning: 8,
  maxWaiting: 64,
  isOwnAddress,
})

const RETRY_AFTER_SECONDS = 1

/** Asks tailscaled who peers are. */
export class Whois {
  readonly #socket: string
  readonly #options: Required<Omit<WhoisOptions, 'nowMs'>>
  readonly #nowMs: () => number
  readonly #kept: ExpiringMap<readonly string[]>
  readonly #flights = new SingleFlight<readonly string[]>()
  readonly #gate: FairGate

  /** @param socket - path of the socket of tailscaled */
  constructor(socket: string, { nowMs, ...options }: WhoisOptions = {}) {
    this.#socket = socket
    this.#options = { ...DEFAULTS, ...options }
    this.#nowMs = nowMs ?? (() => performance.now())
    this.#kept = new ExpiringMap({ maxSize: this.#options.maxKept, nowMs: this.#nowMs })
    this.#gate = new FairGate(this.#options)
  }

  /**
   * The assertions of a peer.
   *
   * @param address - in normal form
   * @param port - of its end of the connection
   * @returns none when tailscaled does not know it
   * @throws SecregError UNREACHABLE when tailscaled gives no answer, or one that is not understood: without what it
   * would have said, a rule that denies would not be met. BUSY when too many ask, TIMEOUT when `signal` ends.
   */
  async of(address: string, port: number, signal?: AbortSignal): Promise<readonly string[]> {
    const peer = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    const kept = this.#kept.get(peer)
    if (kept !== undefined) return kept
    return this.#flights.run(
      peer,
      (leave) => this.#gate.run(address, () => this.#ask(address, peer), leave),
      signal,
    )
  }

  async #ask(address: string, peer: string): Promise<readonly string[]> {
    const askedMs = this.#nowMs()
    // tailscaled takes every process of this machine for the owner of the machine; of loopback it knows better.
    const isOwn = !isLoopback(address) && this.#options.isOwnAddress(address)
    const assertions = isOwn ? [] : await this.#answer(peer)
    this.#kept.set(peer, assertions, askedMs + this.#options.keepMs)
    return assertions
  }

  async #answer(peer: string): Promise<readonly string[]> {
    const path = `/localapi/v0/whois?proto=tcp&addr=${encodeURIComponent(peer)}`
    const { timeoutMs, maxAnswerBytes } = this.#options
    const asked = { socket: this.#socket, timeoutMs, maxAnswerBytes }
    const answer = await askLocalApi(path, asked).catch((error: unknown) => {
      throw unanswered(error)
    })
    if (answer.status === 404) return []
    const assertions = answer.status === 200 ? readWhoisAnswer(answer.body) : undefined
    if (assertions === undefined) throw unanswered()
    return assertions
  }
}

function unanswered(cause?: unknown): SecregError {
  return new SecregError('UNREACHABLE', 'tailscaled does not say who the caller is', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    ...(cause === undefined ? {} : { cause }),
  })
}
