/**
 * A map that never changes: another one with a few other entries shares nearly all of it. Entries lie in many small
 * maps, so that a change costs a copy of the list of these and of those that it touches, whatever the number of entries.
 */

/** Entries per small map, on average, from which on there are more small maps. */
const MAX_SHARD_ENTRIES = 32
/** After a growth each has this many, so what growing costs is spread over as many changes as there are entries. */
const SHARD_ENTRIES = 8

/** Entries by text, in no particular order. */
export class PersistentMap<V> {
  readonly size: number
  readonly #shards: readonly ReadonlyMap<string, V>[]

  private constructor(shards: readonly ReadonlyMap<string, V>[], size: number) {
    this.#shards = shards
    this.size = size
  }

  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>([new Map()], 0)
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key, this.#shards.length)]?.get(key)
  }

  *entries(): IterableIterator<[string, V]> {
    for (const shard of this.#shards) yield* shard
  }

  *values(): IterableIterator<V> {
    for (const shard of this.#shards) yield* shard.values()
  }

  /** The map with these entries as well, and without those that are `undefined`. */
  with(changes: ReadonlyMap<string, V | undefined>): PersistentMap<V> {
    const most = this.size + changes.size
    const shards =
      most > this.#shards.length * MAX_SHARD_ENTRIES
        ? spread(this.entries(), Math.ceil(most / SHARD_ENTRIES))
        : [...this.#shards]
    const own = new Map<number, Map<string, V>>()
    let { size } = this
    for (const [key, value] of changes) {
      const at = shardOf(key, shards.length)
      const shard = own.get(at) ?? new Map(shards[at])
      own.set(at, shard)
      shards[at] = shard
      size -= shard.size
      if (value === undefined) shard.delete(key)
      else shard.set(key, value)
      size += shard.size
    }
    return new PersistentMap(shards, size)
  }
}

function spread<V>(entries: Iterable<[string, V]>, count: number): ReadonlyMap<string, V>[] {
  const shards = Array.from({ length: count }, () => new Map<string, V>())
  for (const [key, value] of entries) shards[shardOf(key, count)]?.set(key, value)
  return shards
}

/** FNV-1a over UTF-16 units; who makes all his keys meet in one small map only makes changes cost what a map costs. */
function shardOf(key: string, count: number): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  }
  return (hash >>> 0) % count
}
