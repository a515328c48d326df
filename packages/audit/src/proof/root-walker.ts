import type { ChainFault, Place } from '../chain.ts'
import type { Mark } from './evidence.ts'
import { equalHashes, Frontier } from './merkle.ts'

/** The tree as the side files tell it, from the first line on that they tell otherwise. */
interface Other extends Place {
  readonly frontier: Frontier
  /** That line. */
  readonly sequence: number
}

/**
 * Grows the tree of a log leaf by leaf and compares its root with each signed one. Where a root does
 * not fit, the side file of leaf hashes tells which line was changed, provided that the signed root
 * vouches for it.
 */
export class RootWalker {
  readonly frontier: Frontier = new Frontier()
  /** Largest size so far whose signed root fits; 0 before the first. */
  proven = 0
  /** Signed checkpoints that fit so far. */
  checkpoints = 0
  fault: ChainFault | undefined
  /** What a root that does not fit is called: lines that are not there cannot be rewritten. */
  kind: 'rewritten' | 'retention' = 'rewritten'
  readonly #marks: readonly Mark[]
  #next = 0
  /** Where line `proven` + 1 stands. */
  #first: Place = { segment: 1, offset: 0 }
  #other: Other | undefined

  /** @param marks - By size. */
  constructor(marks: readonly Mark[]) {
    this.#marks = marks
    this.#check()
  }

  /**
   * Append the leaf hash of the next line, 64 hex digits; false once there is a fault.
   * @param side - 32 bytes that the side file has for the line, if there is one.
   */
  append(leaf: string, { segment, offset }: Place, side?: Uint8Array): boolean {
    if (this.fault !== undefined) return false
    const { frontier } = this
    if (frontier.size === this.proven) this.#first = { segment, offset }
    if (side === undefined) {
      // What was rewritten before a gap spoils every root behind it: nothing vouches for those.
      this.#other = undefined
    } else {
      if (this.#other === undefined && Buffer.from(side).toString('hex') !== leaf) {
        const sequence = frontier.size + 1
        this.#other = { frontier: frontier.clone(), sequence, segment, offset }
      }
      this.#other?.frontier.append(side)
    }
    frontier.appendHex(leaf)
    return this.#check()
  }

  /**
   * Whether the tree with these leaves (64 hex digits) behind it would have a signed root; undefined
   * if none is signed for that size.
   */
  wouldFit(...leaves: readonly string[]): boolean | undefined {
    const size = this.frontier.size + leaves.length
    const marks = this.#marks.filter((mark) => mark.size === size)
    if (marks.length === 0) return undefined
    const grown = this.frontier.clone()
    for (const leaf of leaves) grown.appendHex(leaf)
    const root = grown.root()
    return marks.some((mark) => equalHashes(mark.root, root))
  }

  /**
   * Some line behind `proven`, up to `until`, is not what was signed with the first `until` lines.
   * @param exact - The first such line, where it is known.
   */
  failUntil(until: number, exact?: Place & { readonly sequence: number }): false {
    const { segment, offset } = exact ?? this.#first
    const sequence = exact?.sequence ?? this.proven + 1
    const last = exact?.sequence ?? until
    const lines = sequence === last ? `line ${sequence}` : `one of the lines ${sequence} to ${last}`
    const message = `${lines} is not what was signed with the first ${until} lines`
    this.fault ??= { segment, sequence, until: last, offset, kind: this.kind, message }
    return false
  }

  #check(): boolean {
    const { size } = this.frontier
    if (this.#marks[this.#next]?.size !== size) return true
    const root = this.frontier.root()
    let [fit, all] = [0, 0]
    const first = this.#next
    for (let mark = this.#marks[first]; mark?.size === size; mark = this.#marks[++this.#next]) {
      all++
      if (!equalHashes(mark.root, root)) continue
      fit++
      if (mark.kind === 'checkpoint') this.checkpoints++
    }
    if (fit === all) {
      this.proven = size
      this.#other = undefined
      return true
    }
    if (fit > 0 || size === 0) {
      const offset = this.#marks[first]?.offset ?? 0
      const message =
        size === 0
          ? 'a root is signed for no lines that is not theirs'
          : `two roots are signed for ${size} lines`
      this.fault = { segment: 0, sequence: size, offset, kind: 'checkpoint', message }
      return false
    }
    return this.failUntil(size, this.#isVouchedFor(first) ? this.#other : undefined)
  }

  /** Whether the side files' tree has one of the roots that are signed for this size. */
  #isVouchedFor(first: number): boolean {
    const other = this.#other?.frontier
    if (other?.size !== this.frontier.size) return false
    const root = other.root()
    return this.#marks.slice(first, this.#next).some((mark) => equalHashes(mark.root, root))
  }
}
