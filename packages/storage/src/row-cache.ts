import type { StoredRow } from './row-format.ts'

/** Estimated cost of an entry besides its key and value: map slot, row object, buffer. */
const ENTRY_BYTES = 250

/**
 * Bounded by bytes, in two generations: a hit in the young one is a single map look-up; when the
 * young one has filled half of the budget it becomes the old one, and what was not used since is
 * dropped. Behaves like least-recently-used at a fraction of its bookkeeping.
 */
export class RowCache {
  readonly #half: number
  #young: Map<string, StoredRow> = new Map()
  #old: Map<string, StoredRow> = new Map()
  #youngBytes = 0
  #oldBytes = 0

  constructor(maxBytes: number) {
    this.#half = maxBytes / 2
  }

  get(key: string): StoredRow | undefined {
    const row = this.#young.get(key)
    if (row !== undefined) return row
    const aged = this.#old.get(key)
    if (aged === undefined) return undefined
    this.delete(key)
    this.set(key, aged)
    return aged
  }

  /** A row that is larger than the whole budget is not kept. */
  set(key: string, row: StoredRow): void {
    this.delete(key)
    const bytes = cost(key, row)
    if (bytes > this.#half) return
    if (this.#youngBytes + bytes > this.#half) {
      this.#old = this.#young
      this.#oldBytes = this.#youngBytes
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(key, row)
    this.#youngBytes += bytes
  }

  delete(key: string): void {
    const young = this.#young.get(key)
    if (young !== undefined) {
      this.#young.delete(key)
      this.#youngBytes -= cost(key, young)
    }
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#old.delete(key)
      this.#oldBytes -= cost(key, old)
    }
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngBytes = 0
    this.#oldBytes = 0
  }

  get rows(): number {
    return this.#young.size + this.#old.size
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes
  }
}

function cost(key: string, row: StoredRow): number {
  return ENTRY_BYTES + key.length * 2 + row.value.length
}
