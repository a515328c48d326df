/** Runs asynchronous work one after the other, in the order asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Resolves when all work asked for so far is done. */
  async idle(): Promise<void> {
    await this.#last
  }
}
