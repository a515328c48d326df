import { GENESIS_HASH, hashLine, type LineHead, parseLine } from './line.ts'

/**
 * What is wrong with a line.
 *
 * * `malformed`: it has not the form of a line;
 * * `edited`: it was changed after it was written;
 * * `gap`: it is missing; `reordered`: it stands elsewhere;
 * * `inserted`: a second line has its number;
 * * `torn`: the log ends inside it; `truncated`: the log ends before it, though it is known;
 * * `missing-segment`: the segment that should hold it is not there.
 *
 * What only signatures show:
 *
 * * `rewritten`: it, or a line after it up to `until`, was changed, and the chain made anew;
 * * `retention`: it was removed, or its hash changed, without a signed note that fits;
 * * `checkpoint`: a signed statement about the tree of this size cannot be used;
 * * `key`: a statement about the signing key at this size cannot be used.
 */
export type FaultKind =
  | 'malformed'
  | 'edited'
  | 'gap'
  | 'reordered'
  | 'inserted'
  | 'torn'
  | 'truncated'
  | 'missing-segment'
  | 'rewritten'
  | 'retention'
  | 'checkpoint'
  | 'key'

export interface ChainFault {
  /** 0 where the fault is in the file of signed notes. */
  readonly segment: number
  /** Number of the line at fault. */
  readonly sequence: number
  /** Where only a range is known: the last line that may be the first one at fault. */
  readonly until?: number
  /** Byte offset in the segment, or in the file of signed notes, where the fault shows. */
  readonly offset: number
  readonly kind: FaultKind
  readonly message: string
}

/** A line whose leaf hash is known from elsewhere: a cursor, a checkpoint. */
export interface KnownLine {
  readonly sequence: number
  readonly hash: string
}

/** Where a line stands. */
export interface Place {
  readonly segment: number
  /** Bytes. */
  readonly offset: number
}

/** A line that does not fit the one before it. */
export interface Dispute extends Place {
  /** Its leaf hash. */
  readonly hash: string
  /** What it says is the leaf hash of the line before. */
  readonly previous: string
}

interface Suspect extends Place {
  readonly head: LineHead
  readonly hash: string
}

/**
 * Follows the chain line by line. A line that does not fit is judged with the line after it: only
 * that one tells whether a line or its predecessor was changed.
 */
export class ChainWalker {
  /** Last line that fits, and its leaf hash. */
  sequence: number
  hash: string
  /** Highest revision seen. */
  revision: number
  records = 0
  fault: ChainFault | undefined
  /** With a fault that took two lines to judge: the first of them, which does not fit `sequence`. */
  dispute: Dispute | undefined
  readonly #known: readonly KnownLine[]
  #nextKnown = 0
  #last: Place | undefined
  #suspect: Suspect | undefined

  constructor(
    start: { sequence: number; hash: string; revision?: number } = {
      sequence: 0,
      hash: GENESIS_HASH,
    },
    known: readonly KnownLine[] = [],
  ) {
    this.sequence = start.sequence
    this.hash = start.hash
    this.revision = start.revision ?? 0
    this.#known = known
      .filter(({ sequence }) => sequence > start.sequence)
      .sort((a, b) => a.sequence - b.sequence)
  }

  /** Take the line `bytes[start, end)` at `offset` of `segment`; false once there is a fault. */
  line(bytes: Buffer, start: number, end: number, segment: number, offset: number): boolean {
    const head = parseLine(bytes, start, end)
    if (this.#suspect !== undefined) return this.#judge(this.#suspect, head)
    const expected = this.sequence + 1
    if (head === undefined) {
      return this.fail('malformed', expected, segment, offset, 'has not the form of a log line')
    }
    const hash = hashLine(bytes, start, end)
    if (head.sequence !== expected || head.previous !== this.hash) {
      this.#suspect = { head, hash, segment, offset }
      return true
    }
    if (!this.#agrees(expected, hash)) {
      return this.fail('edited', expected, segment, offset, 'is not the line that was recorded')
    }
    this.sequence = expected
    this.hash = hash
    this.records++
    if (head.revision > this.revision) this.revision = head.revision
    this.#last = { segment, offset }
    return true
  }

  /** Settle what is open when no line follows. Returns false if there is a fault. */
  finish(segment: number, offset: number): boolean {
    if (this.fault !== undefined) return false
    if (this.#suspect !== undefined) return this.#judge(this.#suspect, undefined)
    const known = this.#known.at(-1)
    if (known !== undefined && known.sequence > this.sequence) {
      const what = `is missing: the log ends before it, but line ${known.sequence} was recorded`
      return this.fail('truncated', this.sequence + 1, segment, offset, what)
    }
    return true
  }

  fail(kind: FaultKind, sequence: number, segment: number, offset: number, what: string): false {
    this.fault ??= { segment, sequence, offset, kind, message: `line ${sequence} ${what}` }
    return false
  }

  /** Whether `hash` is what every record of line `sequence` says; moves past those records. */
  #agrees(sequence: number, hash: string): boolean {
    let known = this.#known[this.#nextKnown]
    while (known?.sequence === sequence) {
      if (known.hash !== hash) return false
      known = this.#known[++this.#nextKnown]
    }
    return true
  }

  #judge(seen: Suspect, next: LineHead | undefined): false {
    const expected = this.sequence + 1
    const { head, hash, segment, offset } = seen
    const number = head.sequence
    this.dispute = { segment, offset, hash, previous: head.previous }
    if (number > expected && head.previous !== this.hash) {
      return next?.sequence === expected
        ? this.fail('reordered', expected, segment, offset, `stands after line ${number}`)
        : this.fail('gap', expected, segment, offset, `is missing before line ${number}`)
    }
    if (number < expected && head.previous !== this.hash) {
      return this.fail('inserted', number, segment, offset, 'occurs twice')
    }
    if (number !== expected) {
      return this.fail('edited', expected, segment, offset, `was changed: it says ${number}`)
    }
    if (next?.sequence === number && next.previous === this.hash) {
      return this.fail('inserted', number, segment, offset, 'occurs twice')
    }
    return this.#blame(seen, next)
  }

  /** The number fits and `prev` does not: either this line or the one before was changed. */
  #blame(seen: Suspect, next: LineHead | undefined): false {
    const { segment, offset, head, hash } = seen
    const known = this.#known[this.#nextKnown]
    const authentic =
      known?.sequence === head.sequence
        ? known.hash === hash
        : next === undefined || next.previous === hash
    if (!authentic || this.#last === undefined) {
      return this.fail('edited', head.sequence, segment, offset, 'was changed')
    }
    const { segment: at, offset: from } = this.#last
    return this.fail('edited', this.sequence, at, from, 'was changed: the next line disagrees')
  }
}
