/**
 * The server's side of the keepalive protocol (libvirt, virkeepaliveprotocol.x; virKeepAliveTimer): a peer that was silent
 * for an interval is asked, and given up after so many questions without a word.
 */
import type { Timers } from './timers.ts'

export interface KeepaliveOptions {
  /** Silence after which the peer is asked, milliseconds; 0: it never is. */
  readonly intervalMs: number
  /** Questions that may stay unanswered. The peer is given up after interval x (count + 1). */
  readonly count: number
  readonly timers: Timers
  readonly onPing: () => void
  readonly onDead: () => void
  /** The peer cannot be heard now, as nothing is read of it for reasons that are ours. */
  readonly isDeaf: () => boolean
}

export class KeepaliveTimer {
  readonly #options: KeepaliveOptions
  #started = false
  #asked = 0
  #timer: unknown

  constructor(options: KeepaliveOptions) {
    this.#options = options
  }

  /** The peer can answer. More than once is once. */
  start(): void {
    if (this.#started || this.#options.intervalMs === 0) return
    this.#started = true
    this.#wait()
  }

  /** Something has come. */
  heard(): void {
    if (!this.#started) return
    this.#asked = 0
    this.#wait()
  }

  stop(): void {
    this.#started = false
    this.#options.timers.clear(this.#timer)
  }

  #wait(): void {
    const { timers, intervalMs } = this.#options
    timers.clear(this.#timer)
    this.#timer = timers.set(() => this.#onSilence(), intervalMs)
  }

  #onSilence(): void {
    if (!this.#started) return
    if (this.#options.isDeaf()) {
      this.#wait()
      return
    }
    if (this.#asked >= this.#options.count) {
      this.stop()
      this.#options.onDead()
      return
    }
    this.#asked++
    this.#wait()
    this.#options.onPing()
  }
}
