import { blocksBackward, type LineBlock } from './backward.ts'
import type { LogCursor } from './cursor.ts'
import { listSegments } from './directory.ts'
import { type LineHead, parseLine, timeOf } from './line.ts'
import type { LogFiles } from './log-files.ts'
import { damagedLine, isoOf, type LogRecord, readRecord } from './record.ts'
import { BlockSummarizer, type BlockSummary, mayHaveTerms } from './segments/block-summary.ts'
import { hashTerm } from './segments/bloom.ts'
import { SPARE } from './segments/forward.ts'
import { indexedBytes, type SegmentIndex } from './segments/index-file.ts'
import { Indexes } from './segments/indexes.ts'
import { segmentOf } from './segments/locate.ts'
import { openSegment, type SegmentReader } from './segments/segment-reader.ts'
import { Slices } from './slices.ts'

export type { LogRecord } from './record.ts'

/** Which records to return; all members must hold. */
export interface QueryFilter {
  /** Not before this time. */
  readonly sinceMs?: number
  /** Before this time. */
  readonly untilMs?: number
  /** With a lower sequence: the page after the one that ended with this record. */
  readonly beforeSequence?: number
  /** At most so many records, the newest; default 100, `Infinity` for all. */
  readonly limit?: number
  /** What only the owner of the body's schema can say: user, key, action, outcome. */
  readonly match?: (record: LogRecord) => boolean
  /**
   * Terms that each wanted record has, as the log's term source gives them. They spare reading;
   * `match` decides, and must not accept a record without them.
   */
  readonly terms?: readonly string[]
  /** Read all lines and trust no index; default false. */
  readonly scan?: boolean
}

export const DEFAULT_QUERY_LIMIT = 100
/** A shorter stretch is read again rather than remembered. */
const LEARN_BYTES = 64 * 1024

/**
 * The records of the log up to `tail`, newest first. Ends early, without an error, where retention
 * has removed what is older.
 * @param indexes of the open log, which learn from this query.
 * @throws RangeError for a wrong filter; AuditError `ERR_AUDIT_TAMPERED` for lines that are damaged or
 * missing, as far as that shows without following the chain.
 */
export async function* queryLog(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  filter: QueryFilter,
  indexes: Indexes = new Indexes(files, directory),
): AsyncGenerator<LogRecord, void, void> {
  const { limit = DEFAULT_QUERY_LIMIT, scan = false, beforeSequence } = filter
  if (typeof limit !== 'number' || !(limit >= 0)) throw new RangeError('limit must be at least 0')
  const wanted = new Selector(filter)
  let left = limit
  let first = tail.segment
  if (beforeSequence !== undefined && beforeSequence <= tail.sequence && !scan) {
    if (beforeSequence <= 1) return
    first = await segmentOf(files, directory, tail, beforeSequence - 1)
  }
  const order = new Order(first === tail.segment ? tail.sequence + 1 : undefined)
  // Clocks are set back, so one old line proves nothing; a whole segment of them does, of a segment
  // before it that would have to be read.
  let old = false
  for (let segment = first; segment >= 1 && left > 0; segment--) {
    const index = scan ? undefined : await indexes.stored(segment)
    const isUnknown = index === undefined && indexes.learned(segment).length === 0
    if (old && !scan && isUnknown) {
      order.skip()
      continue
    }
    const reader = await openSegment(files, directory, segment, index?.blocks)
    if (reader === undefined) {
      // Retention removes from the beginning: throws if there are lines before this segment.
      listSegments(files, directory)
      return
    }
    try {
      const end = segment === tail.segment ? tail.offset : reader.size
      const walk = new Walk(
        reader,
        end,
        knownBlocks(indexes, segment, end, index, scan),
        wanted,
        order,
      )
      if (old && !scan && !walk.isKnown) {
        order.skip()
        continue
      }
      for await (const block of walk.blocks()) {
        const learning = scan || walk.isFrom(block) ? undefined : learnFrom(block, indexes)
        for (let stop = block.bytes.length - 1; stop > 0; ) {
          const start = block.bytes.lastIndexOf(0x0a, stop - 1) + 1
          const line = walk.line(block.bytes, start, stop)
          learning?.add(line.head.sequence, line.time, () => line.record().body)
          if (wanted.takes(line)) {
            yield line.record()
            left--
            if (left <= 0) return
          }
          stop = start - 1
          if (wanted.slices.due) await wanted.slices.pause()
        }
        if (learning !== undefined) {
          indexes.learn(segment, learning.finish(block.offset, block.bytes.length - 1))
        }
      }
      old = !walk.young
    } finally {
      reader.close()
    }
  }
  if (left > 0) order.finish()
}

interface Line {
  readonly head: LineHead
  readonly time: string
  record(): LogRecord
}

class Selector {
  readonly since: string
  readonly slices: Slices = new Slices()
  readonly #until: string
  readonly #before: number
  readonly #terms: ReturnType<typeof hashTerm>[]
  readonly #match: (record: LogRecord) => boolean

  constructor({ sinceMs, untilMs, beforeSequence, terms = [], match }: QueryFilter) {
    if (beforeSequence !== undefined && !Number.isSafeInteger(beforeSequence)) {
      throw new RangeError('beforeSequence must be an integer')
    }
    this.since = sinceMs === undefined ? '' : isoOf(sinceMs, 'sinceMs')
    this.#until = untilMs === undefined ? '~' : isoOf(untilMs, 'untilMs')
    this.#before = beforeSequence ?? Number.POSITIVE_INFINITY
    this.#terms = terms.map(hashTerm)
    this.#match = match ?? (() => true)
  }

  takes({ head, time, record }: Line): boolean {
    if (head.sequence >= this.#before || time < this.since || time >= this.#until) return false
    return this.#match(record())
  }

  mayTakeFrom(block: BlockSummary): boolean {
    if (block.firstSequence >= this.#before) return false
    if (block.latest < this.since || block.earliest >= this.#until) return false
    return mayHaveTerms(block, this.#terms)
  }
}

/** Notices lines that are missing between those that are read or known, from the last to the first. */
class Order {
  /** First of the lines so far; undefined where some were passed over. */
  #before: number | undefined

  constructor(before: number | undefined) {
    this.#before = before
  }

  /** Take a line or a block, of `lines` from `sequence` on. */
  take(segment: number, sequence: number, lines = 1): void {
    const next = sequence + lines
    if (this.#before !== undefined && this.#before !== next) throw damagedLine(segment, next)
    this.#before = sequence
  }

  skip(): void {
    this.#before = undefined
  }

  /** No segment comes before. */
  finish(): void {
    if (this.#before !== undefined && this.#before !== 1) throw damagedLine(1, this.#before - 1)
  }
}

/** The blocks of one segment that must be read, from the last to the first. */
class Walk {
  /** A line so far, read or skipped, is not before the time that is asked for. */
  young = false
  readonly #reader: SegmentReader
  readonly #end: number
  readonly #known: readonly BlockSummary[]
  readonly #wanted: Selector
  readonly #order: Order
  /** Offset of the block that was read because of its summary. */
  #summarized = -1

  constructor(
    reader: SegmentReader,
    end: number,
    known: readonly BlockSummary[],
    wanted: Selector,
    order: Order,
  ) {
    this.#reader = reader
    this.#end = end
    this.#known = known
    this.#wanted = wanted
    this.#order = order
  }

  /** Nothing has to be read to know which times there are. */
  get isKnown(): boolean {
    let at = 0
    for (const { offset, length } of this.#known) {
      if (offset !== at) return false
      at += length
    }
    return at === this.#end
  }

  /** The block has a summary already. */
  isFrom({ offset }: LineBlock): boolean {
    return offset === this.#summarized
  }

  async *blocks(): AsyncGenerator<LineBlock, void, void> {
    let at = this.#end
    for (const summary of this.#known.toReversed()) {
      const { offset, length, latest } = summary
      yield* blocksBackward(this.#reader, at, offset + length)
      at = offset
      if (latest >= this.#wanted.since) this.young = true
      if (this.#wanted.mayTakeFrom(summary)) yield await this.#read(summary)
      else this.#order.take(this.#reader.segment, summary.firstSequence, summary.lines)
    }
    yield* blocksBackward(this.#reader, at)
  }

  line(bytes: Buffer, start: number, end: number): Line {
    const { segment } = this.#reader
    const head = parseLine(bytes, start, end)
    if (head === undefined) throw damagedLine(segment)
    this.#order.take(segment, head.sequence)
    const time = timeOf(bytes, start, head)
    if (time >= this.#wanted.since) this.young = true
    let read: LogRecord | undefined
    const record = (): LogRecord => {
      read ??= readRecord(bytes, start, end, head, segment)
      return read
    }
    return { head, time, record }
  }

  async #read({ offset, length, firstSequence }: BlockSummary): Promise<LineBlock> {
    const bytes = Buffer.allocUnsafe(1 + length)
    bytes.set(SPARE)
    const count = await this.#reader.read(bytes.subarray(1), offset)
    const first = parseLine(bytes, 1, bytes.indexOf(0x0a, 1))
    // An index that does not fit its lines must not hide any.
    if (count < length || bytes[length] !== 0x0a || first?.sequence !== firstSequence) {
      throw damagedLine(this.#reader.segment, firstSequence)
    }
    this.#summarized = offset
    return { bytes, offset }
  }
}

/** What is known of the segment up to `end`, ascending. */
function knownBlocks(
  indexes: Indexes,
  segment: number,
  end: number,
  index: SegmentIndex | undefined,
  scan: boolean,
): readonly BlockSummary[] {
  if (scan) return []
  if (index === undefined) {
    // Another query may have learned of lines that were written after this one began.
    return indexes.learned(segment).filter(({ offset, length }) => offset + length <= end)
  }
  if (indexedBytes(index) === end) return index.blocks
  indexes.reportDamage(segment)
  return []
}

function learnFrom({ bytes }: LineBlock, { terms }: Indexes): BlockSummarizer | undefined {
  return bytes.length > LEARN_BYTES ? new BlockSummarizer(terms) : undefined
}
