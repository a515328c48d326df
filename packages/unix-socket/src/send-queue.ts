/** Packets that wait until the kernel has room, in order. */

/** Called once the packet has left, or will not. */
export type SendCallback = (error?: Error) => void

interface Waiting {
  readonly packet: Uint8Array
  readonly callback: SendCallback | undefined
}

export class SendQueue {
  #waiting: Waiting[] = []
  /** Those before it have left; they go in bulk, because taking one from the front moves all. */
  #next = 0
  #bytes = 0

  /** Bytes of all that wait. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#next === this.#waiting.length
  }

  /** The one whose turn it is. */
  get head(): Uint8Array | undefined {
    return this.#waiting[this.#next]?.packet
  }

  /** @param packet - Kept by reference. */
  add(packet: Uint8Array, callback: SendCallback | undefined): void {
    this.#waiting.push({ packet, callback })
    this.#bytes += packet.length
  }

  /** Take the head away. */
  take(): SendCallback | undefined {
    const taken = this.#waiting[this.#next]
    if (taken === undefined) return undefined
    this.#next++
    this.#bytes -= taken.packet.length
    if (this.#next >= 64 || this.isEmpty) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    return taken.callback
  }

  /** Take all away. */
  clear(): SendCallback[] {
    const callbacks = this.#waiting.slice(this.#next).flatMap(({ callback }) => callback ?? [])
    this.#waiting = []
    this.#next = 0
    this.#bytes = 0
    return callbacks
  }
}
