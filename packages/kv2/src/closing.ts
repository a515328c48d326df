/** The end of a client, for those who wait. */
import { Kv2Error } from './errors.ts'

export class Closing {
  readonly #listeners = new Set<(error: Kv2Error) => void>()
  #isClosed = false

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @returns forgets the listener */
  onClose(listener: (error: Kv2Error) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const listener of [...this.#listeners]) listener(new Kv2Error('ERR_KV2_CLOSED'))
  }
}
