/** Calls and returns of one key in the order of time, of which operations can be taken out and put back. */

interface Interval {
  readonly calledAt: number
  readonly returnedAt: number | undefined
}

/**
 * A linked list of nodes: the call of operation `i` is node `i`, its return is node `i + count`. Operations are put
 * back in the reverse of the order in which they were taken out. Those that never return are not in the list, and may
 * be asked for behind it.
 */
export class Timeline {
  readonly #count: number
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** Place of each node in the whole list. */
  readonly #rank: Int32Array
  /** Operations without a return, by their calls. */
  readonly #unreturned: readonly number[]

  constructor(operations: readonly Interval[]) {
    const count = operations.length
    const events: { node: number; time: number }[] = []
    for (const [index, { calledAt, returnedAt }] of operations.entries()) {
      events.push({ node: index, time: calledAt })
      if (returnedAt !== undefined) events.push({ node: index + count, time: returnedAt })
    }
    // Calls before returns of the same time: what may have overlapped is taken to have overlapped.
    events.sort((a, b) => a.time - b.time || a.node - b.node)
    this.#count = count
    this.#next = new Int32Array(2 * count + 1)
    this.#previous = new Int32Array(2 * count + 1)
    this.#rank = new Int32Array(2 * count + 1)
    let last = 2 * count
    const unreturned: number[] = []
    for (const [rank, { node }] of events.entries()) {
      this.#rank[node] = rank
      if (operations[node]?.returnedAt === undefined && node < count) {
        unreturned.push(node)
        continue
      }
      this.#link(last, node)
      last = node
    }
    this.#link(last, 2 * count)
    this.#unreturned = unreturned
  }

  get first(): number {
    return this.#next[2 * this.#count] as number
  }

  after(node: number): number {
    return this.#next[node] as number
  }

  /** The first return in the list. */
  get firstReturn(): number {
    let node = this.first
    while (this.isCall(node)) node = this.after(node)
    return node
  }

  /** Operations without a return that were called before a node, those called last first. */
  *unreturnedBefore(node: number): Generator<number, undefined> {
    for (let at = this.#unreturned.length - 1; at >= 0; at--) {
      const index = this.#unreturned[at] as number
      if (this.rankOf(index) < this.rankOf(node)) yield index
    }
  }

  isCall(node: number): boolean {
    return node < this.#count
  }

  /** Operation that a return belongs to. */
  operationOf(node: number): number {
    return node - this.#count
  }

  rankOf(node: number): number {
    return this.#rank[node] as number
  }

  /** Take an operation with a return out; `after` its call stays what it is. */
  remove(index: number): void {
    // The return first, so that what comes after the call is still in the list.
    this.#unlink(index + this.#count)
    this.#unlink(index)
  }

  restore(index: number): void {
    this.#relink(index)
    this.#relink(index + this.#count)
  }

  #link(left: number, right: number): void {
    this.#next[left] = right
    this.#previous[right] = left
  }

  #unlink(node: number): void {
    this.#link(this.#previous[node] as number, this.#next[node] as number)
  }

  #relink(node: number): void {
    this.#next[this.#previous[node] as number] = node
    this.#previous[this.#next[node] as number] = node
  }
}

const BITS_OF_UNIT = 16

/**
 * A set of operations with a short name: those that returned are placed nearly in the order of their calls, so all
 * below a point are in it and only a window behind that differs. Those of unknown outcome may stay out for ever and are
 * kept apart.
 */
export class PlacedSet {
  readonly #known: Uint8Array
  readonly #unknown: Uint8Array
  /** Index of each operation in one of the two, with unknown ones below zero. */
  readonly #slots: Int32Array
  #low = 0
  #high = 0

  constructor(isKnown: readonly boolean[]) {
    let known = 0
    let unknown = 0
    this.#slots = Int32Array.from(isKnown, (is) => (is ? known++ : -++unknown))
    this.#known = new Uint8Array(known)
    this.#unknown = new Uint8Array(unknown)
  }

  add(index: number): void {
    const slot = this.#slots[index] as number
    if (slot < 0) {
      this.#unknown[-slot - 1] = 1
      return
    }
    this.#known[slot] = 1
    this.#high = Math.max(this.#high, slot + 1)
  }

  delete(index: number): void {
    const slot = this.#slots[index] as number
    if (slot < 0) {
      this.#unknown[-slot - 1] = 0
      return
    }
    this.#known[slot] = 0
    this.#low = Math.min(this.#low, slot)
  }

  has(index: number): boolean {
    const slot = this.#slots[index] as number
    return (slot < 0 ? this.#unknown[-slot - 1] : this.#known[slot]) === 1
  }

  /** Text that no other set has, nor the beginning of another's. */
  identify(): string {
    while (this.#known[this.#low] === 1) this.#low++
    while (this.#high > this.#low && this.#known[this.#high - 1] === 0) this.#high--
    const high = Math.max(this.#low, this.#high)
    return `${this.#low},${high},${pack(this.#known, this.#low, high)}${pack(this.#unknown, 0, this.#unknown.length)}`
  }
}

function pack(bits: Uint8Array, from: number, to: number): string {
  let text = ''
  for (let start = from; start < to; start += BITS_OF_UNIT) {
    let unit = 0
    const end = Math.min(start + BITS_OF_UNIT, to)
    for (let at = start; at < end; at++) unit = (unit << 1) | (bits[at] as number)
    text += String.fromCharCode(unit)
  }
  return text
}
