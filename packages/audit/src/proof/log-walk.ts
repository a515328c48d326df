import { type ChainFault, ChainWalker, type KnownLine, type Place } from '../chain.ts'
import { ChainReader, type SegmentSource } from '../chain-reader.ts'
import { AuditError } from '../errors.ts'
import { GENESIS_HASH } from '../line.ts'
import { Slices } from '../slices.ts'
import type { VerifyOptions } from '../verify.ts'
import type { Evidence } from './evidence.ts'
import { HASH_BYTES } from './merkle.ts'
import { RootWalker } from './root-walker.ts'
import { SideHashes } from './side-hashes.ts'
import { HashSplitter } from './subtree.ts'

/** A segment whose lines are there. */
export interface PresentSegment extends SegmentSource {
  readonly removed?: false
  /** Raw leaf hashes of its lines, in chunks of any size, as kept beside it. */
  readonly hashes?: AsyncIterable<Uint8Array>
}

/** A segment that went by retention. */
export interface RemovedSegment {
  readonly segment: number
  readonly removed: true
  /** Raw leaf hashes of its lines, in chunks of any size. */
  readonly hashes: AsyncIterable<Uint8Array>
}

interface HeldLine extends Place {
  readonly hash: string
  readonly side: Uint8Array | undefined
}

/**
 * Goes through a log once: chain, tree, signed roots and retention together. A line enters the tree
 * only when the line after it agrees, so that a broken chain can still be judged by the roots.
 */
export class LogWalk {
  readonly roots: RootWalker
  /** Segments that went by retention. */
  removed = 0
  readonly #evidence: Evidence
  readonly #options: VerifyOptions
  readonly #slices: Slices = new Slices()
  #walker: ChainWalker = new ChainWalker()
  #reader: ChainReader | undefined
  #hash: string = GENESIS_HASH
  #held: HeldLine | undefined
  readonly #known: Map<number, string> = new Map()
  #fault: ChainFault | undefined
  /** A segment that ends elsewhere than its note says; a broken chain or an early end says more. */
  #misplaced: ChainFault | undefined

  constructor(evidence: Evidence, options: VerifyOptions) {
    for (const { sequence, hash } of options.known ?? []) {
      const other = this.#known.get(sequence) ?? hash
      // Two records of one line that differ: no line is both.
      this.#known.set(sequence, other === hash ? hash : '')
    }
    this.#evidence = evidence
    this.#options = options
    this.roots = new RootWalker(evidence.marks)
  }

  /** Lines that were read and fit. */
  get records(): number {
    return this.#walker.records
  }

  get tail(): KnownLine {
    return this.#reader === undefined
      ? { sequence: this.roots.frontier.size, hash: this.#hash }
      : { sequence: this.#walker.sequence, hash: this.#walker.hash }
  }

  /** Take the next segment; false once there is a fault. */
  async take(source: PresentSegment | RemovedSegment): Promise<boolean> {
    if (source.removed) return this.#fold(source)
    const reader = this.#reader ?? this.#begin()
    if (reader === undefined) return false
    const side = source.hashes === undefined ? undefined : new SideHashes(source.hashes)
    try {
      const whole = await reader.read(source, {
        chunk: async (bytes) => side?.fill(bytes),
        line: (segment, offset) => this.#hold(segment, offset, side?.next()),
      })
      return whole && this.#endSegment(source.segment)
    } finally {
      await side?.close()
    }
  }

  /** The first fault, once no segment follows; undefined if the log is as it was signed. */
  finish(): ChainFault | undefined {
    if (this.#reader === undefined && this.#found === undefined) this.#begin()
    this.#reader?.finish()
    this.#settle()
    const { segment, at } = this.#reader ?? { segment: this.removed, at: 0 }
    const next = this.tail.sequence + 1
    const { least, fault } = this.#evidence
    if (this.#found === undefined && least >= next) {
      this.#fail('truncated', next, segment, at, `is missing: ${least} lines were signed`)
    }
    const ofNotes = fault === undefined ? undefined : { segment: 0, ...fault }
    return this.#found ?? this.#misplaced ?? ofNotes
  }

  get #found(): ChainFault | undefined {
    return this.roots.fault ?? this.#fault ?? this.#walker.fault
  }

  /** The removed segments are over: check that they could be, and go on with lines. */
  #begin(): ChainReader | undefined {
    const { size } = this.roots.frontier
    const { retentions, fault } = this.#evidence
    // Between the signing and the removal of the last segment, a note names more of them.
    if (this.removed > 0 && !retentions.some(({ segment }) => segment >= this.removed)) {
      if (fault !== undefined) this.#fault = { segment: 0, ...fault }
      this.#fail('retention', 1, 1, 0, `to line ${size} were removed without a signed note`)
      return undefined
    }
    this.roots.kind = 'rewritten'
    this.#walker = new ChainWalker({ sequence: size, hash: this.#hash }, this.#options.known)
    this.#reader = new ChainReader(this.#walker, this.#options, this.removed)
    return this.#reader
  }

  async #fold({ segment, hashes }: RemovedSegment): Promise<boolean> {
    const next = this.roots.frontier.size + 1
    if (this.#reader !== undefined) {
      return this.#fail('retention', this.#walker.sequence + 1, segment, 0, 'was removed alone')
    }
    if (segment !== this.removed + 1) {
      const what = `should be in segment ${this.removed + 1}, which is missing`
      return this.#fail('missing-segment', next, this.removed + 1, 0, what)
    }
    this.roots.kind = 'retention'
    this.removed = segment
    const splitter = new HashSplitter()
    try {
      for await (const chunk of hashes) {
        this.#options.signal?.throwIfAborted()
        for (const leaf of splitter.push(chunk)) {
          if (!this.#foldLeaf(leaf, segment)) return false
        }
        if (this.#slices.due) await this.#slices.pause()
      }
    } catch (error) {
      if (!AuditError.is(error) || error.code !== 'ERR_AUDIT_TAMPERED') throw error
      const what = `was removed, and its hash cannot be read: ${error.message}`
      return this.#fail('retention', this.roots.frontier.size + 1, segment, 0, what)
    }
    const { size } = this.roots.frontier
    if (splitter.pending > 0) {
      const what = 'was removed, and its hash is cut off'
      return this.#fail('retention', size + 1, segment, 0, what)
    }
    return this.#endSegment(segment)
  }

  #foldLeaf(leaf: Uint8Array, segment: number): boolean {
    const sequence = this.roots.frontier.size + 1
    const hash = Buffer.from(leaf).toString('hex')
    const offset = (sequence - 1) * HASH_BYTES
    if ((this.#known.get(sequence) ?? hash) !== hash) {
      const what = 'was removed, and its hash is not the one that was recorded'
      return this.#fail('retention', sequence, segment, 0, what)
    }
    this.#hash = hash
    return this.roots.append(hash, { segment, offset })
  }

  /** A segment that a note of retention names ends with the line that it names. */
  #endSegment(segment: number): boolean {
    const { sequence: size, hash } = this.tail
    for (const note of this.#evidence.retentions) {
      if (note.segment !== segment || this.#misplaced !== undefined) continue
      if (note.size === size && note.hash === hash) continue
      const sequence = note.size === size ? size : Math.min(note.size, size) + 1
      const message = `segment ${segment} does not end with line ${note.size} as its signed note says`
      this.#misplaced = { segment, sequence, offset: 0, kind: 'retention', message }
    }
    return true
  }

  /** Line `walker.sequence` fits: so the one before is confirmed. */
  #hold(segment: number, offset: number, side: Uint8Array | undefined): boolean {
    const confirmed = this.#release()
    this.#held = { hash: this.#walker.hash, side, segment, offset }
    return confirmed
  }

  #release(): boolean {
    const held = this.#held
    this.#held = undefined
    return held === undefined || this.roots.append(held.hash, held, held.side)
  }

  /** Bring the walker's judgement and the signed roots together. */
  #settle(): void {
    const { fault, dispute, sequence } = this.#walker
    const { roots } = this
    const held = this.#held
    const edited = fault?.kind === 'edited'
    const contested = fault?.sequence === sequence && (edited || fault.kind === 'inserted')
    if (!contested || held === undefined || dispute === undefined) {
      this.#release()
      return
    }
    // Two lines speak for line `sequence`: itself, and the next one or a second one of its number.
    const other = roots.wouldFit(edited ? dispute.previous : dispute.hash)
    if (roots.wouldFit(held.hash)) {
      this.#release()
      if (!edited) return
      const { segment, offset } = dispute
      this.#fail('edited', sequence + 1, segment, offset, 'was changed')
    } else if (other === false) {
      this.#release()
    } else if (other === undefined && edited) {
      const both = roots.wouldFit(dispute.previous, dispute.hash)
      if (both === false) roots.failUntil(sequence + 1)
    }
  }

  #fail(
    kind: ChainFault['kind'],
    sequence: number,
    segment: number,
    offset: number,
    what: string,
  ): false {
    this.#fault ??= { segment, sequence, offset, kind, message: `line ${sequence} ${what}` }
    return false
  }
}
