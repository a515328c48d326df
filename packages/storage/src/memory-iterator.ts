import { assertPageSize } from './batch.ts'
import type { KeyedRow, Range, RowIterator } from './engine.ts'
import { assertBound, compareKeys } from './keys.ts'
import type { Position, SortedMap } from './sorted-map.ts'

/** Walks one version of a map. `open` verifies a row and throws when the engine is not usable. */
export class MemoryIterator<V> implements RowIterator {
  readonly #map: SortedMap<V>
  readonly #range: Range
  readonly #open: (key: string, value: V) => KeyedRow
  #left: number
  #position: Position | undefined

  constructor(map: SortedMap<V>, range: Range, open: (key: string, value: V) => KeyedRow) {
    this.#map = map
    this.#range = range
    this.#open = open
    this.#left = range.limit ?? Number.POSITIVE_INFINITY
    this.#position = this.#start()
  }

  async next(): Promise<KeyedRow | undefined> {
    return this.#step()
  }

  async nextPage(size: number): Promise<KeyedRow[]> {
    assertPageSize(size)
    const rows: KeyedRow[] = []
    while (rows.length < size) {
      const row = this.#step()
      if (row === undefined) break
      rows.push(row)
    }
    return rows
  }

  seek(key: string): void {
    assertBound(key, 'key')
    if (!this.#contains(key)) this.#position = undefined
    else if (this.#range.reverse) this.#position = this.#last(key, true)
    else this.#position = this.#map.seek(key)
  }

  async close(): Promise<void> {
    this.#left = 0
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<KeyedRow> {
    for (;;) {
      const row = this.#step()
      if (row === undefined) return
      yield row
    }
  }

  #step(): KeyedRow | undefined {
    const position = this.#position
    const entry = position === undefined ? undefined : this.#map.at(position)
    if (position === undefined || entry === undefined || this.#left <= 0) return undefined
    const [key, value] = entry
    if (!this.#contains(key)) {
      this.#position = undefined
      return undefined
    }
    this.#left--
    this.#position = this.#range.reverse ? this.#map.before(position) : this.#map.after(position)
    return this.#open(key, value)
  }

  #start(): Position | undefined {
    const { gte, gt, lt, lte, reverse } = this.#range
    if (reverse) {
      if (lte !== undefined) return this.#last(lte, true)
      return lt === undefined ? this.#map.before(this.#map.end()) : this.#last(lt, false)
    }
    const lower = gte ?? gt
    if (lower === undefined) return this.#map.first()
    const position = this.#map.seek(lower)
    return gt !== undefined && this.#map.at(position)?.[0] === gt
      ? this.#map.after(position)
      : position
  }

  /** The last entry before `key`, or at it when `inclusive`. */
  #last(key: string, inclusive: boolean): Position | undefined {
    const position = this.#map.seek(key)
    if (inclusive && this.#map.at(position)?.[0] === key) return position
    return this.#map.before(position)
  }

  #contains(key: string): boolean {
    const { gte, gt, lt, lte } = this.#range
    return !(
      (gte !== undefined && compareKeys(key, gte) < 0) ||
      (gt !== undefined && compareKeys(key, gt) <= 0) ||
      (lt !== undefined && compareKeys(key, lt) >= 0) ||
      (lte !== undefined && compareKeys(key, lte) > 0)
    )
  }
}
