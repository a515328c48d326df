/** A queue whose both ends cost the same however long it is: Array.shift moves everything behind. */

/** Taken places that are kept before the array is cut. */
const MAX_TAKEN = 1024

/** First in, first out. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head > MAX_TAKEN) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }

  /** Whether one that waits is as told. */
  some(test: (item: T) => boolean): boolean {
    for (let at = this.#head; at < this.#items.length; at++) {
      if (test(this.#items[at] as T)) return true
    }
    return false
  }

  /** Take all. */
  drain(): T[] {
    const items = this.#items.slice(this.#head) as T[]
    this.#items = []
    this.#head = 0
    return items
  }
}
