/**
 * Bloom filter of the terms of a block: ten bits a term and seven probes let 1 % of absent terms
 * pass (Bloom 1970). The probes are h1 + i·h2 (Kirsch and Mitzenmacher 2006).
 */

const BITS_PER_TERM = 10
const PROBES = 7

/** Two hashes of a term, 32 bits each. */
export interface TermHash {
  readonly first: number
  readonly second: number
}

/**
 * Hash of a term by its UTF-16 units. Not cryptographic: who makes terms collide has blocks read
 * that need not be, and hides nothing.
 */
export function hashTerm(term: string): TermHash {
  let first = 0xdeadbeef
  let second = 0x41c6ce57
  for (let i = 0; i < term.length; i++) {
    const unit = term.charCodeAt(i)
    first = Math.imul(first ^ unit, 0x9e3779b1)
    second = Math.imul(second ^ unit, 0x5f356495)
  }
  const a =
    Math.imul(first ^ (first >>> 16), 0x85ebca6b) ^ Math.imul(second ^ (second >>> 13), 0xc2b2ae35)
  const b = Math.imul(second ^ (second >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  return { first: (a ^ (a >>> 15)) >>> 0, second: (b | 1) >>> 0 }
}

/** The filter of `terms`; without any it has no bytes. */
export function makeFilter(terms: ReadonlySet<string>): Uint8Array {
  const filter = new Uint8Array(Math.ceil((terms.size * BITS_PER_TERM) / 8))
  for (const term of terms) {
    const { first, second } = hashTerm(term)
    for (let i = 0; i < PROBES; i++) {
      const bit = probe(first, second, i, filter)
      filter[bit >>> 3] = (filter[bit >>> 3] as number) | (1 << (bit & 7))
    }
  }
  return filter
}

/** Whether the term may be in the filter; false is certain. */
export function mayHold(filter: Uint8Array, { first, second }: TermHash): boolean {
  if (filter.length === 0) return false
  for (let i = 0; i < PROBES; i++) {
    const bit = probe(first, second, i, filter)
    if (((filter[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false
  }
  return true
}

function probe(first: number, second: number, i: number, filter: Uint8Array): number {
  return ((first + Math.imul(i, second)) >>> 0) % (filter.length * 8)
}
