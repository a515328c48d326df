/** So many at a time; the others wait in their order. */

/** There is no room to wait any more. */
export class NoSlotError extends Error {
  override readonly name = 'NoSlotError'
}

export class Slots {
  readonly #maxWaiting: number
  readonly #waiting = new Set<() => void>()
  #free: number

  /**
   * @param most - at a time
   * @param maxWaiting - beside those
   */
  constructor(most: number, maxWaiting: number) {
    this.#free = most
    this.#maxWaiting = maxWaiting
  }

  /**
   * Do something once there is a slot.
   *
   * @throws NoSlotError; the reason of the signal, when that ends the wait
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    try {
      return await work()
    } finally {
      this.#pass()
    }
  }

  /** The slot of one that is done goes to the first that waits. */
  #pass(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free++
    else next()
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) throw new NoSlotError('too many wait')
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(go)
        signal.removeEventListener('abort', onAbort)
      }
      const go = (): void => {
        leave()
        resolve()
      }
      const onAbort = (): void => {
        leave()
        reject(signal.reason)
      }
      this.#waiting.add(go)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
