/**
 * The order in which the calls of one connection are worked on: those that only look run at the same time, one that
 * changes something runs alone, after all before it and before all behind it. A client that does not wait for replies
 * so sees what it would see if it did.
 */
export class CallOrder {
  /** Settles when the last change, and all before it, have ended. */
  #changed: Promise<void> = Promise.resolve()
  /** Settles when everything so far has ended. */
  #all: Promise<void> = Promise.resolve()

  /** @returns what the work returns, once it was its turn; a rejection of it stays with the caller */
  run<T>(changes: boolean, work: () => Promise<T>): Promise<T> {
    const result = (changes ? this.#all : this.#changed).then(work)
    const ended = result.then(nothing, nothing)
    this.#all = changes ? ended : Promise.all([this.#all, ended]).then(nothing)
    if (changes) this.#changed = ended
    return result
  }
}

function nothing(): void {}
