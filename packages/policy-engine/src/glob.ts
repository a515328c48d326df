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

/** Buckets by the text of a literal piece, and the lengths of these pieces. */
class PieceTable<B> {
  readonly #byText = new Map<string, B>()
  readonly lengths: number[] = []

  get(text: string): B | undefined {
    return this.#byText.get(text)
  }

  getOrAdd(text: string, make: () => B): B {
    let bucket = this.#byText.get(text)
    if (bucket === undefined) {
      bucket = make()
      this.#byText.set(text, bucket)
      if (!this.lengths.includes(text.length)) this.lengths.push(text.length)
    }
    return bucket
  }
}

/** Globs with the same head and tail: those with nothing between them always match, the others by their first piece. */
interface Bucket<T> {
  readonly plain: T[]
  readonly inner: InnerTable<T>
}

/**
 * Many globs, found by their literal pieces: the cost of a look-up grows with the length of the segment and the
 * number of different piece lengths, and with the globs that share head, tail and first inner piece, not with all.
 */
export class GlobIndex<T> {
  readonly #heads = new PieceTable<PieceTable<Bucket<T>>>()

  add(text: string, value: T): void {
    const glob = parseGlob(text)
    const bucket = this.#heads
      .getOrAdd(glob.head, () => new PieceTable<Bucket<T>>())
      .getOrAdd(glob.tail, () => ({ plain: [], inner: new InnerTable<T>() }))
    const first = glob.inner[0]
    if (first === undefined) bucket.plain.push(value)
    else bucket.inner.add(first, { glob, value })
  }

  /**
   * Append the values of all globs that match `segment` to `found`; a value can come more than once. Returns how many
   * look-ups it took.
   */
  collect(segment: string, found: T[]): number {
    let work = 0
    for (const headLength of this.#heads.lengths) {
      work++
      if (headLength > segment.length) continue
      const tails = this.#heads.get(segment.slice(0, headLength))
      if (tails === undefined) continue
      for (const tailLength of tails.lengths) {
        work++
        if (headLength + tailLength > segment.length) continue
        const bucket = tails.get(segment.slice(segment.length - tailLength))
        if (bucket === undefined) continue
        for (const value of bucket.plain) found.push(value)
        work += bucket.inner.collect(segment, headLength, segment.length - tailLength, found)
      }
    }
    return work
  }
}

/** Multiplier of the rolling hash; any odd number does, since what it finds is matched anyway. */
const BASE = 0x01000193

/** First pieces of one length, by hash. */
interface Pieces<T> {
  readonly length: number
  /** `BASE` to the power of `length - 1`: the weight of the unit that leaves the window. */
  readonly weight: number
  readonly byHash: Map<number, Entry<T>[]>
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
      pieces = { length, weight, byHash: new Map() }
      this.#byLength.set(length, pieces)
    }
    const hash = hashOf(piece, 0, length)
    const entries = pieces.byHash.get(hash)
    if (entries === undefined) pieces.byHash.set(hash, [entry])
    else entries.push(entry)
  }

  collect(segment: string, from: number, to: number, found: T[]): number {
    let work = 0
    for (const pieces of this.#byLength.values())
      work += collectPieces(pieces, segment, from, to, found)
    return work
  }
}

function collectPieces<T>(
  { length, weight, byHash }: Pieces<T>,
  segment: string,
  from: number,
  to: number,
  found: T[],
): number {
  const last = to - length
  if (last < from) return 0
  if (byHash.size <= Math.min(4, last - from)) {
    for (const entries of byHash.values()) collectEntries(entries, segment, found)
    return byHash.size
  }
  let hash = hashOf(segment, from, length)
  for (let at = from; ; at++) {
    const entries = byHash.get(hash)
    if (entries !== undefined) collectEntries(entries, segment, found)
    if (at === last) return last - from + 1
    hash = (hash - Math.imul(segment.charCodeAt(at), weight)) | 0
    hash = (Math.imul(hash, BASE) + segment.charCodeAt(at + length)) | 0
  }
}

function collectEntries<T>(entries: readonly Entry<T>[], segment: string, found: T[]): void {
  for (const entry of entries) if (matchInner(entry.glob, segment)) found.push(entry.value)
}

function hashOf(text: string, from: number, length: number): number {
  let hash = 0
  for (let at = from; at < from + length; at++) {
    hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0
  }
  return hash
}
