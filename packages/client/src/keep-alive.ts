/** Asks something now and then where nothing else is asked, so that a session is not ended as idle. */

/** Options of a KeepAlive. */
export interface KeepAliveOptions {
  /** Milliseconds without anything sent; 0 never asks. */
  readonly intervalMs: number
  /** Monotonic time at which something was sent last, milliseconds. */
  readonly lastSentMs: () => number
  readonly ask: () => void
}

/** A timer that runs from `start` to `stop`. */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  #timer: NodeJS.Timeout | undefined

  constructor(options: KeepAliveOptions) {
    this.#options = options
  }

  /** Without effect while it runs. */
  start(): void {
    const { intervalMs } = this.#options
    if (this.#timer === undefined && intervalMs > 0) this.#arm(this.#leftMs())
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #leftMs(): number {
    return this.#options.lastSentMs() + this.#options.intervalMs - performance.now()
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(
      () => {
        const leftMs = this.#leftMs()
        // What is asked may have to wait for its turn, so the time of asking counts.
        this.#arm(leftMs > 0 ? leftMs : this.#options.intervalMs)
        if (leftMs <= 0) this.#options.ask()
      },
      Math.max(1, Math.ceil(delayMs)),
    )
  }
}
