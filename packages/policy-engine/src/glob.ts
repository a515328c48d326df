/**
 * Matching of one segment against text with `*` in it, alone and for many globs at once. Greedy from the left and
 * without backtracking: once the literal head and tail fit, the leftmost place of each inner piece is the best one.
 */

/** A glob cut at its stars: `head*inner[0]*inner[1]*…*tail`. */
export interface Glob {
  readonly head: string
  readonly inner: readonly string[]
  readonly tail: string
}

/** Cut a segment that has at least one `*`. */
export function parseGlob(text: string): Glob {
  const pieces = text.split('*')
  return {
    head: pieces[0] ?? '',
    inner: pieces.slice(1, -1).filter((piece) => piece !== ''),
    tail: pieces.at(-1) ?? '',
  }
}

/** Tell whether a segment matches a glob. */
export function matchGlob(glob: Glob, segment: string): boolean {
  return (
    segment.length >= glob.head.length + glob.tail.length &&
    segment.startsWith(glob.head) &&
    segment.endsWith(glob.tail) &&
    matchInner(glob, segment)
  )
}

function matchInner(glob: Glob, segment: string): boolean {
  let at = glob.head.length
  const end = segment.length - glob.tail.length
  for (const piece of glob.inner) {
    const found = segment.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

interface Entry<T> {
  readonly glob: Glob
  readonly value: T
}

/** Multiplier of the hashes; any odd number does, since whatever they find is matched in full. */
const BASE = 0x01000193

/** Spreads a hash over the bits of a filter (2^32 divided by the golden ratio; Knuth, TAOCP vol. 3, §6.4). */
const SPREAD = 0x9e3779b1

/**
 * Values by the hash of a text of one length. A filter of a few bits per hash stays in the fastest cache of the
 * processor and answers for nearly all texts that are not there, which most texts are.
 */
class HashTable<B> {
  readonly #byHash = new Map<number, B>()
  #filter: Int32Array = new Int32Array(8)
  /** The filter has 2^(32 - shift) bits. */
  #shift = 24

  get size(): number {
    return this.#byHash.size
  }

  values(): Iterable<B> {
    return this.#byHash.values()
  }

  get(hash: number): B | undefined {
    const bit = Math.imul(hash, SPREAD) >>> this.#shift
    if (((this.#filter[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return undefined
    return this.#byHash.get(hash)
  }

  getOrAdd(hash: number, make: () => B): B {
    let value = this.#byHash.get(hash)
    if (value === undefined) {
      value = make()
      this.#byHash.set(hash, value)
      if (this.#byHash.size * 16 > this.#filter.length * 32) this.#grow()
      else this.#mark(hash)
    }
    return value
  }

  #grow(): void {
    this.#filter = new Int32Array(this.#filter.length * 2)
    this.#shift--
    for (const hash of this.#byHash.keys()) this.#mark(hash)
  }

  #mark(hash: number): void {
    const bit = Math.imul(hash, SPREAD) >>> this.#shift
    this.#filter[bit >>> 5] = (this.#filter[bit >>> 5] ?? 0) | (1 << (bit & 31))
  }
}

/** Heads or tails: what comes after each, by length and hash. */
class Fringe<B> {
  /** Ascending by length. */
  readonly tables: { readonly length: number; readonly table: HashTable<B> }[] = []

  getOrAdd(hash: number, length: number, make: () => B): B {
    let entry = this.tables.find((known) => known.length === length)
    if (entry === undefined) {
      entry = { length, table: new HashTable() }
      this.tables.push(entry)
      this.tables.sort((a, b) => a.length - b.length)
    }
    return entry.table.getOrAdd(hash, make)
  }
}

/** Globs with the same head and tail: by their first inner piece, or without one. */
interface Bucket<T> {
  readonly plain: Entry<T>[]
  readonly inner: InnerTable<T>
}

/**
 * Many globs, found by the hashes of their literal pieces: the cost of a look-up grows with the length of the segment,
 * with the number of different lengths of pieces, and with the globs that share head, tail and first inner piece, not
 * with the number of globs. Nothing is cut out of the segment.
 */
export class GlobIndex<T> {
  readonly #heads = new Fringe<Fringe<Bucket<T>>>()

  add(text: string, value: T): void {
    const glob = parseGlob(text)
    const { head, inner, tail } = glob
    const bucket = this.#heads
      .getOrAdd(hashOf(head, 0, head.length), head.length, () => new Fringe())
      .getOrAdd(backwardHash(tail, 0, tail.length, 0), tail.length, () => {
        return { plain: [], inner: new InnerTable<T>() }
      })
    const [first] = inner
    if (first === undefined) bucket.plain.push({ glob, value })
    else bucket.inner.add(first, { glob, value })
  }

  /**
   * Append the values of all globs that match `segment` to `found`; a value can come more than once. Returns how many
   * look-ups it took.
   */
  collect(segment: string, found: T[]): number {
    let work = 0
    let hash = 0
    let hashed = 0
    for (const { length, table } of this.#heads.tables) {
      if (length > segment.length) break
      for (; hashed < length; hashed++) {
        hash = (Math.imul(hash, BASE) + segment.charCodeAt(hashed)) | 0
      }
      work++
      const tails = table.get(hash)
      if (tails !== undefined) work += collectTails(tails, segment, length, found)
    }
    return work
  }
}

function collectTails<T>(
  tails: Fringe<Bucket<T>>,
  segment: string,
  from: number,
  found: T[],
): number {
  let work = 0
  let hash = 0
  let hashed = 0
  for (const { length, table } of tails.tables) {
    if (from + length > segment.length) break
    hash = backwardHash(segment, hashed, length, hash)
    hashed = length
    work++
    const bucket = table.get(hash)
    if (bucket === undefined) continue
    collectEntries(bucket.plain, segment, found)
    work += bucket.inner.collect(segment, from, segment.length - length, found)
  }
  return work
}

/** First pieces of one length, by hash. */
interface Pieces<T> {
  readonly length: number
  /** `BASE` to the power of `length - 1`: the weight of the unit that leaves the window. */
  readonly weight: number
  readonly table: HashTable<Entry<T>[]>
}

/** Globs by their first inner piece, looked for at every place of a segment (Karp and Rabin, 1987). */
class InnerTable<T> {
  readonly #byLength = new Map<number, Pieces<T>>()

  add(piece: string, entry: Entry<T>): void {
    const { length } = piece
    let pieces = this.#byLength.get(length)
    if (pieces === undefined) {
      let weight = 1
      for (let unit = 1; unit < length; unit++) weight = Math.imul(weight, BASE)
      pieces = { length, weight, table: new HashTable() }
      this.#byLength.set(length, pieces)
    }
    pieces.table.getOrAdd(hashOf(piece, 0, length), () => []).push(entry)
  }

  collect(segment: string, from: number, to: number, found: T[]): number {
    let work = 0
    for (const pieces of this.#byLength.values())
      work += collectPieces(pieces, segment, from, to, found)
    return work
  }
}

function collectPieces<T>(
  { length, weight, table }: Pieces<T>,
  segment: string,
  from: number,
  to: number,
  found: T[],
): number {
  const last = to - length
  if (last < from) return 0
  if (table.size <= Math.min(4, last - from)) {
    for (const entries of table.values()) collectEntries(entries, segment, found)
    return table.size
  }
  let hash = hashOf(segment, from, length)
  for (let at = from; ; at++) {
    const entries = table.get(hash)
    if (entries !== undefined) collectEntries(entries, segment, found)
    if (at === last) return last - from + 1
    hash = (hash - Math.imul(segment.charCodeAt(at), weight)) | 0
    hash = (Math.imul(hash, BASE) + segment.charCodeAt(at + length)) | 0
  }
}

function collectEntries<T>(entries: readonly Entry<T>[], segment: string, found: T[]): void {
  for (const entry of entries) if (matchGlob(entry.glob, segment)) found.push(entry.value)
}

function hashOf(text: string, from: number, length: number): number {
  let hash = 0
  for (let at = from; at < from + length; at++) {
    hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0
  }
  return hash
}

/** Hash of the last `length` units, last first, continued from that of the last `hashed`. */
function backwardHash(text: string, hashed: number, length: number, start: number): number {
  let hash = start
  for (let back = hashed + 1; back <= length; back++) {
    hash = (Math.imul(hash, BASE) + text.charCodeAt(text.length - back)) | 0
  }
  return hash
}
