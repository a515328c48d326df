import type { KeyedRow, RowIterator } from './engine.ts'
import { compareKeys } from './keys.ts'

/** Two iterators over the same range whose keys do not overlap, as one. */
export class MergedIterator implements RowIterator {
  readonly #sources: readonly [Source, Source]
  readonly #reverse: boolean
  #left: number

  constructor(first: RowIterator, second: RowIterator, reverse: boolean, limit?: number) {
    this.#sources = [new Source(first), new Source(second)]
    this.#reverse = reverse
    this.#left = limit ?? Number.POSITIVE_INFINITY
  }

  async next(): Promise<KeyedRow | undefined> {
    const [first, second] = this.#sources
    await first.fill(1)
    await second.fill(1)
    return this.#take()
  }

  async nextPage(size: number): Promise<KeyedRow[]> {
    const rows: KeyedRow[] = []
    const [first, second] = this.#sources
    while (rows.length < size) {
      await first.fill(size - rows.length)
      await second.fill(size - rows.length)
      const row = this.#take()
      if (row === undefined) break
      rows.push(row)
    }
    return rows
  }

  seek(key: string): void {
    for (const source of this.#sources) source.seek(key)
  }

  async close(): Promise<void> {
    this.#left = 0
    await Promise.all(this.#sources.map((source) => source.close()))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<KeyedRow> {
    try {
      for (let row = await this.next(); row !== undefined; row = await this.next()) yield row
    } finally {
      await this.close()
    }
  }

  #take(): KeyedRow | undefined {
    if (this.#left <= 0) return undefined
    const [first, second] = this.#sources
    const a = first.peek()
    const b = second.peek()
    if (a === undefined && b === undefined) return undefined
    this.#left--
    if (a === undefined) return second.take()
    if (b === undefined) return first.take()
    const before = compareKeys(a.key, b.key) < 0
    return before === this.#reverse ? second.take() : first.take()
  }
}

/** Rows read ahead from one iterator. */
class Source {
  readonly #iterator: RowIterator
  #rows: KeyedRow[] = []
  #at = 0
  #ended = false

  constructor(iterator: RowIterator) {
    this.#iterator = iterator
  }

  async fill(size: number): Promise<void> {
    if (this.#at < this.#rows.length || this.#ended) return
    this.#rows = await this.#iterator.nextPage(size)
    this.#at = 0
    this.#ended = this.#rows.length === 0
  }

  peek(): KeyedRow | undefined {
    return this.#rows[this.#at]
  }

  take(): KeyedRow | undefined {
    return this.#rows[this.#at++]
  }

  seek(key: string): void {
    this.#rows = []
    this.#at = 0
    this.#ended = false
    this.#iterator.seek(key)
  }

  close(): Promise<void> {
    return this.#iterator.close()
  }
}
