/** What one connection holds in memory, told to whoever keeps the account of all. */

export interface HeldBytesOptions {
  /** @returns `false`: there is no room for so much */
  readonly onHeld: ((bytes: number) => boolean) | undefined
  /** Bytes of a frame that has begun, and of what was sent and is not taken. */
  readonly others: () => number
  readonly onNoRoom: () => void
}

export class HeldBytes {
  readonly #options: HeldBytesOptions
  /** Of chunks that were read, and of calls in work. */
  #own = 0
  #told = 0

  constructor(options: HeldBytesOptions) {
    this.#options = options
  }

  hold(bytes: number): void {
    this.#own += bytes
  }

  release(bytes: number): void {
    this.#own -= bytes
  }

  /** Tell, if it has changed. */
  tell(): void {
    const { onHeld, onNoRoom, others } = this.#options
    if (onHeld === undefined) return
    const bytes = this.#own + others()
    if (bytes === this.#told) return
    this.#told = bytes
    if (!onHeld(bytes)) onNoRoom()
  }
}
