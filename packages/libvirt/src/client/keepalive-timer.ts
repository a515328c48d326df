/**
 * Asks a silent server for a sign of life, and gives it up when none comes.
 *
 * Source: libvirt, internals/rpc.html, "Keepalive"; virConnectSetKeepAlive.
 */
import { checkInteger, checkObject } from './check-arguments.ts'

/** How a client watches over its server. */
export interface KeepaliveOptions {
  /** Silence after which the server is asked, milliseconds. Default 5,000. */
  readonly intervalMs?: number
  /** Questions without a sign of life before the connection ends. Default 6. */
  readonly count?: number
}

const DEFAULTS: Readonly<Required<KeepaliveOptions>> = Object.freeze({ intervalMs: 5000, count: 6 })
const LONGEST_MS = 2 ** 31 - 1

/** @throws TypeError, RangeError */
export function checkKeepalive(keepalive: unknown): Required<KeepaliveOptions> | undefined {
  if (keepalive === false) return undefined
  if (keepalive === undefined) return DEFAULTS
  checkObject('keepalive', keepalive)
  const { intervalMs = DEFAULTS.intervalMs, count = DEFAULTS.count } = keepalive as KeepaliveOptions
  checkInteger('keepalive.intervalMs', intervalMs, 1, LONGEST_MS)
  checkInteger('keepalive.count', count, 0, 1_000_000)
  return { intervalMs, count }
}

/** What is done with a silent server. */
export interface KeepaliveActions {
  readonly ping: () => void
  readonly dead: () => void
}

/** It runs from when it is made until `stop`. After `count` pings and one more interval the server is dead. */
export class KeepaliveTimer {
  readonly #options: Required<KeepaliveOptions>
  readonly #actions: KeepaliveActions
  #timer: ReturnType<typeof setInterval>
  #asked = 0

  constructor(options: Required<KeepaliveOptions>, actions: KeepaliveActions) {
    this.#options = options
    this.#actions = actions
    this.#timer = this.#start()
  }

  /** The server has sent something, whatever it was. */
  heard(): void {
    this.#asked = 0
    clearInterval(this.#timer)
    this.#timer = this.#start()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #start(): ReturnType<typeof setInterval> {
    return setInterval(() => this.#silent(), this.#options.intervalMs)
  }

  #silent(): void {
    if (this.#asked < this.#options.count) {
      this.#asked += 1
      this.#actions.ping()
      return
    }
    this.stop()
    this.#actions.dead()
  }
}
