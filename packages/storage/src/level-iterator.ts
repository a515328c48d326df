import { assertPageSize } from './batch.ts'
import type { KeyedRow, RowIterator } from './engine.ts'
import { assertBound } from './keys.ts'
import type { LevelIterator } from './level-port.ts'

/** What the engine does for an iterator: verify rows, translate errors, know when it is closed. */
export interface IteratorHost {
  open(storageKey: string, bytes: Uint8Array): KeyedRow
  translate(error: unknown): Error
  closed(iterator: LevelRowIterator): void
}

export class LevelRowIterator implements RowIterator {
  readonly #inner: LevelIterator
  readonly #host: IteratorHost
  readonly #space: string
  #closed = false

  constructor(inner: LevelIterator, host: IteratorHost, space: string) {
    this.#inner = inner
    this.#host = host
    this.#space = space
  }

  async next(): Promise<KeyedRow | undefined> {
    if (this.#closed) return undefined
    try {
      const entry = await this.#inner.next()
      return entry === undefined ? undefined : this.#host.open(entry[0], entry[1])
    } catch (error) {
      throw this.#host.translate(error)
    }
  }

  async nextPage(size: number): Promise<KeyedRow[]> {
    assertPageSize(size)
    const rows: KeyedRow[] = []
    if (this.#closed) return rows
    try {
      // A page may come short when it is large in bytes.
      while (rows.length < size) {
        const entries = await this.#inner.nextv(size - rows.length)
        if (entries.length === 0) break
        for (const [key, bytes] of entries) rows.push(this.#host.open(key, bytes))
      }
      return rows
    } catch (error) {
      throw this.#host.translate(error)
    }
  }

  seek(key: string): void {
    assertBound(key, 'key')
    if (this.#closed) return
    try {
      this.#inner.seek(this.#space + key)
    } catch (error) {
      throw this.#host.translate(error)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#host.closed(this)
    await this.#inner.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<KeyedRow> {
    try {
      for (;;) {
        const page = await this.nextPage(64)
        if (page.length === 0) return
        yield* page
      }
    } finally {
      await this.close()
    }
  }
}
