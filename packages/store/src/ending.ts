/**
 * Something that ends once, and those who want to know.
 *
 * Like an AbortSignal, of which Node.js says that it leaks when more than ten listen.
 */
export class Ending {
  readonly #listeners = new Set<(reason: unknown) => void>()
  #ended = false
  #reason: unknown

  get ended(): boolean {
    return this.#ended
  }

  get reason(): unknown {
    return this.#reason
  }

  /** Without effect the second time. */
  end(reason?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#reason = reason
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener(reason)
  }

  /**
   * Be told, at once when it has ended already.
   *
   * @returns takes it back
   */
  onEnd(listener: (reason: unknown) => void): () => void {
    if (this.#ended) {
      listener(this.#reason)
      return () => {}
    }
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  throwIfEnded(): void {
    if (this.#ended) throw this.#reason
  }
}
