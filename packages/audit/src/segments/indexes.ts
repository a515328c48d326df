import type { LogFiles } from '../log-files.ts'
import type { BlockSummary, TermSource } from './block-summary.ts'
import { readIndex, type SegmentIndex } from './index-file.ts'

export interface IndexesOptions {
  /** The source that the archiver uses too; without it no block is skipped for its terms. */
  readonly terms?: TermSource
  /** An index was found damaged, or made with other terms; told once, until it is good again. */
  readonly onDamage?: (segment: number) => void
}

/** Bytes of indexes kept in memory, the ones used last: those of about fifty segments. */
const KEPT_BYTES = 16 * 1024 * 1024
/** What a block takes besides its filter. */
const BLOCK_OVERHEAD_BYTES = 300

/**
 * What is known of blocks of lines: of closed segments from their files, of the others what earlier
 * questions have learned. One for each open log.
 */
export class Indexes {
  readonly terms: TermSource | undefined
  readonly #files: LogFiles
  readonly #directory: string
  readonly #onDamage: ((segment: number) => void) | undefined
  readonly #learned = new Map<number, readonly BlockSummary[]>()
  readonly #damaged = new Set<number>()
  readonly #kept = new Map<number, SegmentIndex>()
  #keptBytes = 0

  constructor(files: LogFiles, directory: string, options: IndexesOptions = {}) {
    this.#files = files
    this.#directory = directory
    this.terms = options.terms
    this.#onDamage = options.onDamage
  }

  /** The index of a closed segment, or undefined if there is none that can be used. */
  async stored(segment: number): Promise<SegmentIndex | undefined> {
    const kept = this.#kept.get(segment)
    if (kept !== undefined) {
      this.#keep(kept)
      return kept
    }
    const index = await readIndex(this.#files, this.#directory, segment)
    if (index === 'absent') return undefined
    if (index === 'damaged') {
      this.reportDamage(segment)
      return undefined
    }
    if (index.termsVersion === this.terms?.version) {
      this.forget(segment)
      this.#keep(index)
      return index
    }
    if (this.terms !== undefined) this.reportDamage(segment)
    const blocks = index.blocks.map((block) => ({ ...block, terms: undefined }))
    return { ...index, blocks }
  }

  /** What is known of blocks of a segment without an index: ascending, with gaps. */
  learned(segment: number): readonly BlockSummary[] {
    return this.#learned.get(segment) ?? []
  }

  /** Keep the summary of a block, unless one of some of its lines is known already. */
  learn(segment: number, summary: BlockSummary): void {
    const known = this.learned(segment)
    const end = summary.offset + summary.length
    const at = known.findIndex(({ offset }) => offset >= end)
    const index = at === -1 ? known.length : at
    const before = known[index - 1]
    if (before !== undefined && before.offset + before.length > summary.offset) return
    this.#learned.set(segment, [...known.slice(0, index), summary, ...known.slice(index)])
  }

  /** The segment has an index on the disk now: nothing learned and nothing said of it holds. */
  forget(segment: number): void {
    this.#drop(segment)
    this.#learned.delete(segment)
    this.#damaged.delete(segment)
  }

  reportDamage(segment: number): void {
    if (this.#damaged.has(segment)) return
    this.#damaged.add(segment)
    this.#drop(segment)
    this.#onDamage?.(segment)
  }

  #keep(index: SegmentIndex): void {
    this.#drop(index.segment)
    this.#kept.set(index.segment, index)
    this.#keptBytes += bytesOf(index)
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= KEPT_BYTES) return
      this.#drop(oldest)
    }
  }

  #drop(segment: number): void {
    const index = this.#kept.get(segment)
    if (index === undefined) return
    this.#kept.delete(segment)
    this.#keptBytes -= bytesOf(index)
  }
}

function bytesOf({ blocks }: SegmentIndex): number {
  return blocks.reduce((sum, { terms }) => sum + BLOCK_OVERHEAD_BYTES + (terms?.length ?? 0), 0)
}
