/**
 * A cache whose memory is bounded, also for one owner: who names ever more things pushes out his own. For what may be
 * forgotten at any time.
 */

/** How much is kept, in bytes as estimated: of a key twice its characters, and 256 for what belongs to it. */
export interface RoomLimits {
  readonly bytes: number
  /** Of one owner. */
  readonly ownerBytes: number
}

/** Estimated bytes of an entry. */
export function sizeOfKey(key: string): number {
  return 2 * key.length + 256
}

/** @throws RangeError */
export function assertRoom(name: string, { bytes, ownerBytes }: RoomLimits): void {
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new RangeError(`${name}.bytes: expected a positive integer`)
  }
  if (!Number.isSafeInteger(ownerBytes) || ownerBytes < 1 || ownerBytes > bytes) {
    throw new RangeError(`${name}.ownerBytes: expected a positive integer, at most bytes`)
  }
}

interface Owner {
  bytes: number
  /** Least recently used first. */
  readonly keys: Set<string>
}

interface Entry<V> {
  readonly owner: string
  readonly value: V
}

/** Values by key, the least recently used forgotten first. */
export class OwnedCache<V> {
  readonly #limits: RoomLimits
  readonly #entries = new Map<string, Entry<V>>()
  readonly #owners = new Map<string, Owner>()
  #bytes = 0

  constructor(limits: RoomLimits) {
    assertRoom('room', limits)
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Look up, which is a use. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    const keys = this.#owners.get(entry.owner)?.keys
    keys?.delete(key)
    keys?.add(key)
    return entry.value
  }

  set(key: string, owner: string, value: V): void {
    this.delete(key)
    const size = sizeOfKey(key)
    const { bytes, ownerBytes } = this.#limits
    if (size > ownerBytes) return
    const mine = this.#owners.get(owner) ?? { bytes: 0, keys: new Set<string>() }
    while (mine.bytes + size > ownerBytes) this.#deleteFirst(mine.keys.keys())
    while (this.#bytes + size > bytes) this.#deleteFirst(this.#entries.keys())
    mine.bytes += size
    mine.keys.add(key)
    this.#owners.set(owner, mine)
    this.#entries.set(key, { owner, value })
    this.#bytes += size
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    const size = sizeOfKey(key)
    this.#entries.delete(key)
    this.#bytes -= size
    const owner = this.#owners.get(entry.owner) as Owner
    owner.bytes -= size
    owner.keys.delete(key)
    if (owner.keys.size === 0) this.#owners.delete(entry.owner)
  }

  clear(): void {
    this.#entries.clear()
    this.#owners.clear()
    this.#bytes = 0
  }

  #deleteFirst(keys: MapIterator<string> | SetIterator<string>): void {
    this.delete(keys.next().value as string)
  }
}
