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

/** Buckets by the text of a literal piece, and the pieces by length. */
class PieceTable<B> {
  readonly #byText = new Map<string, B>()
  readonly byLength = new Map<number, string[]>()

  get(text: string): B | undefined {
    return this.#byText.get(text)
  }

  getOrAdd(text: string, make: () => B): B {
    let bucket = this.#byText.get(text)
    if (bucket === undefined) {
      bucket = make()
      this.#byText.set(text, bucket)
      const sameLength = this.byLength.get(text.length)
      if (sameLength === undefined) this.byLength.set(text.length, [text])
      else sameLength.push(text)
    }
    return bucket
  }
}

/** Globs with the same head and tail: those with nothing between them always match, the others by their first piece. */
interface Bucket<T> {
  readonly plain: T[]
  readonly inner: PieceTable<Entry<T>[]>
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
      .getOrAdd(glob.tail, () => ({ plain: [], inner: new PieceTable<Entry<T>[]>() }))
    const first = glob.inner[0]
    if (first === undefined) bucket.plain.push(value)
    else bucket.inner.getOrAdd(first, () => []).push({ glob, value })
  }

  /** Append the values of all globs that match `segment` to `found`; a value can come more than once. */
  collect(segment: string, found: T[]): void {
    for (const headLength of this.#heads.byLength.keys()) {
      if (headLength > segment.length) continue
      const tails = this.#heads.get(segment.slice(0, headLength))
      if (tails === undefined) continue
      for (const tailLength of tails.byLength.keys()) {
        if (headLength + tailLength > segment.length) continue
        const bucket = tails.get(segment.slice(segment.length - tailLength))
        if (bucket === undefined) continue
        for (const value of bucket.plain) found.push(value)
        collectInner(bucket.inner, segment, headLength, segment.length - tailLength, found)
      }
    }
  }
}

/** Look up every window of a length, or search every piece of that length, whichever is less work. */
function collectInner<T>(
  table: PieceTable<Entry<T>[]>,
  segment: string,
  from: number,
  to: number,
  found: T[],
): void {
  for (const [length, pieces] of table.byLength) {
    const windows = to - from - length + 1
    if (windows < pieces.length) {
      for (let at = from; at < from + windows; at++) {
        // A piece that occurs twice is found twice: the callers make sets of what they get.
        collectEntries(table.get(segment.slice(at, at + length)), segment, found)
      }
    } else {
      for (const piece of pieces) {
        if (segment.includes(piece, from)) collectEntries(table.get(piece), segment, found)
      }
    }
  }
}

function collectEntries<T>(
  entries: readonly Entry<T>[] | undefined,
  segment: string,
  found: T[],
): void {
  if (entries === undefined) return
  for (const entry of entries) if (matchInner(entry.glob, segment)) found.push(entry.value)
}
