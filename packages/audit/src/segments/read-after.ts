import type { LogCursor } from '../cursor.ts'
import { AuditError } from '../errors.ts'
import { hashLine, type LineHead, parseLine } from '../line.ts'
import type { LogFiles } from '../log-files.ts'
import { type LogRecord, readRecord } from '../record.ts'
import { Slices } from '../slices.ts'
import { blocksForward } from './forward.ts'
import type { Indexes } from './indexes.ts'
import { openSegment, presentSegments, type SegmentReader } from './segment-reader.ts'

/** One line, read forward. */
export interface ForwardRecord extends LogRecord {
  /** The line as it stands, without its newline. */
  readonly line: string
}

export interface ForwardLimits {
  /** At most so many records, at least 1. */
  readonly maxRecords: number
  /** At most so many bytes of lines; the first line is returned in any case. */
  readonly maxBytes: number
}

/** Lines that follow on a cursor. */
export interface ForwardBatch {
  /** Oldest first; empty when there is nothing behind the cursor yet. */
  readonly records: readonly ForwardRecord[]
  /** The last line of `records`, where the next batch starts; the given cursor without any. */
  readonly cursor: LogCursor
  /** Lines behind the given cursor that retention has removed unread. */
  readonly missed: number
}

/** Read ahead; a batch has rarely more. */
const READ_BYTES = 128 * 1024

/**
 * {@link ForwardReader.read} for one batch.
 * @param indexes of the open log, which know where the blocks of closed segments are.
 */
export async function readAfter(
  files: LogFiles,
  directory: string,
  synced: LogCursor,
  cursor: LogCursor,
  limits: ForwardLimits,
  indexes?: Indexes,
): Promise<ForwardBatch> {
  const reader = new ForwardReader(files, directory, indexes)
  try {
    return await reader.read(synced, cursor, limits)
  } finally {
    reader.close()
  }
}

/** Reads a log from its beginning to its end. Keeps one segment open between batches. */
export class ForwardReader {
  readonly #files: LogFiles
  readonly #directory: string
  readonly #indexes: Indexes | undefined
  #reader: SegmentReader | undefined

  constructor(files: LogFiles, directory: string, indexes?: Indexes) {
    this.#files = files
    this.#directory = directory
    this.#indexes = indexes
  }

  /**
   * The lines behind `cursor`, none behind `synced`. Offsets are those of the segment as it was
   * written, whether it is compressed or not. Each line is followed along the chain. `revision` of
   * the new cursor is the highest of the given one and of the lines read. Calls must not overlap.
   * @throws AuditError `ERR_AUDIT_TAMPERED` if what stands behind the cursor does not follow on it;
   * RangeError for limits below 1.
   */
  async read(synced: LogCursor, cursor: LogCursor, limits: ForwardLimits): Promise<ForwardBatch> {
    if (!(limits.maxRecords >= 1 && limits.maxBytes >= 1)) {
      throw new RangeError('maxRecords and maxBytes must be at least 1')
    }
    if (cursor.sequence >= synced.sequence) return { records: [], cursor, missed: 0 }
    const batch = new Batch(cursor, limits)
    for (let { segment, offset } = cursor; segment <= synced.segment; segment++, offset = 0) {
      const reader = await this.#open(segment)
      if (reader === undefined) {
        segment = this.#lastRemoved(segment)
        batch.jump()
        continue
      }
      const end = segment === synced.segment ? synced.offset : reader.size
      if (offset > end) throw unfit(segment, cursor.sequence)
      for await (const block of blocksForward(reader, offset, end, READ_BYTES)) {
        if (!(await batch.take(segment, block.bytes, block.offset))) return batch.result()
      }
    }
    return batch.result()
  }

  close(): void {
    this.#reader?.close()
    this.#reader = undefined
  }

  async #open(segment: number): Promise<SegmentReader | undefined> {
    if (this.#reader?.segment === segment) return this.#reader
    this.close()
    const index = await this.#indexes?.stored(segment)
    this.#reader = await openSegment(this.#files, this.#directory, segment, index?.blocks)
    return this.#reader
  }

  #lastRemoved(segment: number): number {
    const present = presentSegments(this.#files, this.#directory)
    return Math.max(segment, (present?.first ?? 1) - 1)
  }
}

class Batch {
  readonly #records: ForwardRecord[] = []
  readonly #limits: ForwardLimits
  readonly #slices = new Slices()
  #cursor: LogCursor
  #bytes = 0
  #missed = 0
  /** Lines may be missing between the cursor and the next one. */
  #jumped = false

  constructor(cursor: LogCursor, limits: ForwardLimits) {
    this.#cursor = cursor
    this.#limits = limits
  }

  jump(): void {
    this.#jumped = true
  }

  /** Take the lines of a block; false once the batch is full. */
  async take(segment: number, bytes: Buffer, offset: number): Promise<boolean> {
    for (let start = 1; start < bytes.length; ) {
      const end = bytes.indexOf(0x0a, start)
      const length = end + 1 - start
      const isFirst = this.#records.length === 0
      if (!isFirst && this.#bytes + length > this.#limits.maxBytes) return false
      const head = parseLine(bytes, start, end)
      if (head === undefined || !this.#follows(head)) throw unfit(segment, this.#cursor.sequence)
      const record = readRecord(bytes, start, end, head, segment)
      this.#records.push({ ...record, line: bytes.toString('utf8', start, end) })
      this.#bytes += length
      this.#cursor = {
        segment,
        offset: offset + end,
        sequence: head.sequence,
        hash: hashLine(bytes, start, end),
        revision: Math.max(this.#cursor.revision, head.revision),
      }
      if (this.#records.length >= this.#limits.maxRecords) return false
      start = end + 1
      if (this.#slices.due) await this.#slices.pause()
    }
    return true
  }

  result(): ForwardBatch {
    return { records: this.#records, cursor: this.#cursor, missed: this.#missed }
  }

  #follows({ sequence, previous }: LineHead): boolean {
    const gap = sequence - 1 - this.#cursor.sequence
    if (gap > 0 && this.#jumped && this.#records.length === 0) {
      this.#missed = gap
      return true
    }
    return gap === 0 && previous === this.#cursor.hash
  }
}

function unfit(segment: number, sequence: number): AuditError {
  const message = `what follows on line ${sequence} in segment ${segment} does not fit it`
  return new AuditError('ERR_AUDIT_TAMPERED', message, { segment, sequence: sequence + 1 })
}
