/** A bounded table whose values end by themselves; what was not used longest gives way. */

/** Options of an ExpiringMap. */
export interface ExpiringMapOptions<V> {
  /** Most values at once. */
  readonly maxSize: number
  /** Told of each value that goes, for whatever reason but {@link ExpiringMap.clear}. */
  readonly onDrop?: (key: string, value: V) => void
  /** Monotonic time, milliseconds. Default: that of the process. */
  readonly nowMs?: () => number
}

interface Row<V> {
  readonly value: V
  readonly endsAtMs: number
}

/** Values under keys, each until its time. */
export class ExpiringMap<V> {
  readonly #options: ExpiringMapOptions<V>
  readonly #nowMs: () => number
  /** In the order of use, the longest unused first. */
  readonly #rows = new Map<string, Row<V>>()

  constructor(options: ExpiringMapOptions<V>) {
    this.#options = options
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  /** Values held, those included whose time is over and that nobody has asked for since. */
  get size(): number {
    return this.#rows.size
  }

  /** The value of a key; it counts as used. */
  get(key: string): V | undefined {
    const row = this.#rows.get(key)
    if (row === undefined) return undefined
    if (row.endsAtMs <= this.#nowMs()) {
      this.delete(key)
      return undefined
    }
    this.#rows.delete(key)
    this.#rows.set(key, row)
    return row.value
  }

  /** Hold a value until a time of {@link ExpiringMapOptions.nowMs}; one that is over by then is not held. */
  set(key: string, value: V, endsAtMs: number): void {
    this.delete(key)
    if (endsAtMs <= this.#nowMs()) return
    this.#rows.set(key, { value, endsAtMs })
    if (this.#rows.size <= this.#options.maxSize) return
    const [oldest] = this.#rows.keys()
    this.delete(oldest as string)
  }

  delete(key: string): void {
    const row = this.#rows.get(key)
    if (row === undefined) return
    this.#rows.delete(key)
    this.#options.onDrop?.(key, row.value)
  }

  clear(): void {
    this.#rows.clear()
  }
}
