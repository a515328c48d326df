import { makeFilter, mayHold, type TermHash } from './bloom.ts'

/** What questions can be asked by: terms of a body, such as a user and a path. */
export interface TermSource {
  /**
   * At least 1; to be raised whenever {@link TermSource.of} gives other terms for some body, so that
   * indexes made before are not asked about terms that they do not know.
   */
  readonly version: number
  of(body: unknown): Iterable<string>
}

/** What is known of the lines of one block without reading them. */
export interface BlockSummary {
  readonly firstSequence: number
  readonly lines: number
  /** Offset in the segment as it was written, and bytes. */
  readonly offset: number
  readonly length: number
  /** `time` of the lines, least and greatest as text, which sorts as the instants do. */
  readonly earliest: string
  readonly latest: string
  /** Bloom filter of the terms; undefined if they are not known, so that any may be there. */
  readonly terms: Uint8Array | undefined
}

/** Collects the summary of one block; lines may come in any order. */
export class BlockSummarizer {
  readonly #source: TermSource | undefined
  readonly #terms = new Set<string>()
  #known: boolean
  #first = Number.POSITIVE_INFINITY
  #lines = 0
  #earliest = '~'
  #latest = ''

  constructor(source: TermSource | undefined) {
    this.#source = source
    this.#known = source !== undefined
  }

  /** Take one line; `body` is only called where terms are wanted, and may throw. */
  add(sequence: number, time: string, body: () => unknown): void {
    this.#lines++
    if (sequence < this.#first) this.#first = sequence
    if (time < this.#earliest) this.#earliest = time
    if (time > this.#latest) this.#latest = time
    if (!this.#known || this.#source === undefined) return
    try {
      for (const term of this.#source.of(body())) this.#terms.add(term)
    } catch {
      // A block whose terms cannot be told is read whenever it is asked for.
      this.#known = false
    }
  }

  finish(offset: number, length: number): BlockSummary {
    return {
      firstSequence: this.#first,
      lines: this.#lines,
      offset,
      length,
      earliest: this.#earliest,
      latest: this.#latest,
      terms: this.#known ? makeFilter(this.#terms) : undefined,
    }
  }
}

/** Whether lines of the block may have all of `terms`. */
export function mayHaveTerms({ terms }: BlockSummary, wanted: readonly TermHash[]): boolean {
  return terms === undefined || wanted.every((term) => mayHold(terms, term))
}
