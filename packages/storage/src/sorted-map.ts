import { compareKeys } from './keys.ts'
import type { Steps } from './slices.ts'

interface Chunk<V> {
  readonly keys: readonly string[]
  readonly values: readonly V[]
}

const MAX_CHUNK = 256

/**
 * A persistent map ordered by the UTF-8 bytes of its keys: chunks of up to 256 entries that are
 * copied when they change, so that an old version stays valid as a snapshot.
 */
export class SortedMap<V> {
  readonly #chunks: readonly Chunk<V>[]

  constructor(chunks: readonly Chunk<V>[] = []) {
    this.#chunks = chunks
  }

  get(key: string): V | undefined {
    const { chunk, index } = this.seek(key)
    const found = this.#chunks[chunk]
    return found?.keys[index] === key ? found.values[index] : undefined
  }

  /** Position of the first entry at or after `key`. */
  seek(key: string): Position {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const last = (this.#chunks[middle] as Chunk<V>).keys.at(-1) as string
      if (compareKeys(last, key) < 0) low = middle + 1
      else high = middle
    }
    const chunk = this.#chunks[low]
    return { chunk: low, index: chunk === undefined ? 0 : lowerBound(chunk.keys, key) }
  }

  first(): Position {
    return { chunk: 0, index: 0 }
  }

  /** Position after the last entry. */
  end(): Position {
    return { chunk: this.#chunks.length, index: 0 }
  }

  at({ chunk, index }: Position): readonly [string, V] | undefined {
    const found = this.#chunks[chunk]
    const key = found?.keys[index]
    return key === undefined ? undefined : [key, found?.values[index] as V]
  }

  after({ chunk, index }: Position): Position {
    const length = this.#chunks[chunk]?.keys.length ?? 0
    return index + 1 < length ? { chunk, index: index + 1 } : { chunk: chunk + 1, index: 0 }
  }

  /** Undefined before the first entry. */
  before({ chunk, index }: Position): Position | undefined {
    if (index > 0) return { chunk, index: index - 1 }
    const previous = this.#chunks[chunk - 1]
    if (previous === undefined) return undefined
    return { chunk: chunk - 1, index: previous.keys.length - 1 }
  }

  /** A new map with `entries` set, one a step; undefined deletes. */
  *with(entries: ReadonlyMap<string, V | undefined>): Steps<SortedMap<V>> {
    const chunks = [...this.#chunks]
    // Each chunk is copied once however many of its entries change.
    const owned = new Set<Chunk<V>>()
    let map = new SortedMap(chunks)
    for (const [key, value] of entries) {
      yield
      let { chunk, index } = map.seek(key)
      if (chunk === chunks.length && chunk > 0) {
        chunk--
        index = (chunks[chunk] as Chunk<V>).keys.length
      }
      const found = chunks[chunk] ?? { keys: [], values: [] }
      const copy = owned.has(found)
        ? (found as { keys: string[]; values: V[] })
        : { keys: [...found.keys], values: [...found.values] }
      const present = copy.keys[index] === key
      if (value === undefined) {
        if (!present) continue
        copy.keys.splice(index, 1)
        copy.values.splice(index, 1)
      } else {
        copy.keys.splice(index, present ? 1 : 0, key)
        copy.values.splice(index, present ? 1 : 0, value)
      }
      const pieces = split(copy)
      for (const piece of pieces) owned.add(piece)
      chunks.splice(chunk, 1, ...pieces)
      map = new SortedMap(chunks)
    }
    return map
  }
}

export interface Position {
  readonly chunk: number
  readonly index: number
}

function split<V>(chunk: { keys: string[]; values: V[] }): Chunk<V>[] {
  if (chunk.keys.length === 0) return []
  if (chunk.keys.length <= MAX_CHUNK) return [chunk]
  const middle = chunk.keys.length >>> 1
  return [
    { keys: chunk.keys.slice(0, middle), values: chunk.values.slice(0, middle) },
    { keys: chunk.keys.slice(middle), values: chunk.values.slice(middle) },
  ]
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle] as string, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
