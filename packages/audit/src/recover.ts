import { blocksBackward, type LineBytes } from './backward.ts'
import { ChainWalker } from './chain.ts'
import type { LogCursor } from './cursor.ts'
import { listSegments, openOwn, segmentPath } from './directory.ts'
import { AuditError } from './errors.ts'
import { GENESIS_HASH, hashLine, parseLine } from './line.ts'
import { LineSplitter } from './line-splitter.ts'
import type { LogFile, LogFiles } from './log-files.ts'
import { faultError, rewrite } from './rewrite.ts'
import { readHashesHeader, readLeaf } from './segments/hashes-file.ts'
import { openSegment, type SegmentReader } from './segments/segment-reader.ts'

/** What opening found. */
export interface Recovered {
  /** Bytes after the last whole line that were cut off. */
  readonly tornBytes: number
  /** Lines behind the cursor; without a cursor, lines of the last segment. */
  readonly linesAfterCursor: number
  /** Commits before this revision are in the log as a whole. */
  readonly countedFrom: number
  /** How many lines carry `revision`, which is counted from {@link countedFrom} on. */
  revisionLines(revision: number): number
}

/** A log whose chain was followed to its end. */
export interface RecoveredLog {
  readonly tail: LogCursor
  /** The last segment, to which lines are added, and how long it is. */
  readonly segment: number
  readonly size: number
  readonly file: LogFile
  readonly recovered: Recovered
}

/** The position before line 1. */
export const START: LogCursor = Object.freeze({
  segment: 1,
  offset: 0,
  sequence: 0,
  hash: GENESIS_HASH,
  revision: 0,
})

const READ_BYTES = 256 * 1024
/** Longest stretch on the main thread. */
const SLICE_MS = 4

/** Find the end of the log, verify the way there, cut off what a crash left half written. */
export async function recoverLog(
  files: LogFiles,
  directory: string,
  cursor: LogCursor | undefined,
): Promise<RecoveredLog> {
  const segments = listSegments(files, directory)
  const last = segments.length
  if (last === 0) {
    if (cursor !== undefined && cursor.sequence > 0) throw shorter(cursor)
    const file = files.create(segmentPath(directory, 1))
    files.syncDirectory(directory)
    return { tail: START, segment: 1, size: 0, file, recovered: describe(0, 0, 0, new Map()) }
  }
  // One at a time: a long log has more segments than a process has files.
  for (const { segment, plain, compressed } of segments) {
    const kind = plain ? 'jsonl' : compressed ? 'jsonl.gz' : 'hashes'
    openOwn(files, segmentPath(directory, segment, kind), 'read').close()
  }
  const file = openOwn(files, segmentPath(directory, last), 'write')
  try {
    return await new Walk(files, directory, last, file).run(cursor)
  } catch (error) {
    file.close()
    throw error
  }
}

class Walk {
  readonly #files: LogFiles
  readonly #directory: string
  readonly #last: number
  readonly #file: LogFile
  readonly #counts = new Map<number, number>()
  #sliceStart = performance.now()

  constructor(files: LogFiles, directory: string, last: number, file: LogFile) {
    this.#files = files
    this.#directory = directory
    this.#last = last
    this.#file = file
  }

  async run(cursor: LogCursor | undefined): Promise<RecoveredLog> {
    const start = cursor === undefined ? await this.#beforeLast() : await this.#at(cursor)
    const walker = new ChainWalker(start)
    let { segment, offset } = start
    let tornBytes = 0
    let tail = { segment, offset }
    // Retention keeps the hashes of what it removes, and there is nothing more to read there.
    if (this.#isRemoved(segment)) segment++
    for (; ; segment++, offset = 0) {
      const end = await this.#segment(walker, segment, offset)
      if (end.at > offset) tail = { segment, offset: end.at }
      if (segment === this.#last) {
        tornBytes = end.size - end.at
        break
      }
      // A segment is synced before the next one is made, so only the last can be torn.
      if (end.at !== end.size) walker.fail('malformed', walker.sequence + 1, segment, end.at, CUT)
      this.#check(walker)
    }
    const file = this.#file
    const size = segment === tail.segment ? tail.offset : 0
    if (tornBytes > 0) file.truncate(size)
    if (cursor !== undefined && segment === tail.segment) {
      // A run before this one may have met a failed fdatasync.
      await rewrite(file, segment === start.segment ? start.offset : 0, size)
    }
    await file.syncLater()
    this.#files.syncDirectory(this.#directory)
    return {
      tail: {
        ...tail,
        sequence: walker.sequence,
        hash: walker.hash,
        revision: walker.revision,
      },
      segment,
      size,
      file,
      recovered: describe(
        tornBytes,
        walker.records,
        cursor === undefined ? start.revision : start.revision + 1,
        this.#counts,
      ),
    }
  }

  /** Follow one segment from `from`; `at` is the end of its last whole line. */
  async #segment(
    walker: ChainWalker,
    segment: number,
    from: number,
  ): Promise<{ at: number; size: number }> {
    if (segment === this.#last) {
      return this.#lines(walker, segment, from, this.#file, this.#file.facts().size)
    }
    const reader = await this.#reader(segment)
    try {
      return await this.#lines(walker, segment, from, reader, reader.size)
    } finally {
      reader.close()
    }
  }

  async #lines(
    walker: ChainWalker,
    segment: number,
    from: number,
    lines: LineBytes,
    size: number,
  ): Promise<{ at: number; size: number }> {
    const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, size - from)))
    const splitter = new LineSplitter()
    let at = from
    const visit = (bytes: Buffer, start: number, end: number): boolean => {
      const revision = walker.records
      const ok = walker.line(bytes, start, end, segment, at)
      at += end + 1 - start
      if (ok && walker.records > revision) this.#count(parseLine(bytes, start, end)?.revision ?? 0)
      return ok
    }
    for (let position = from; position < size; ) {
      const read = await lines.read(chunk, position)
      if (read === 0) break
      position += read
      // A file system may leave blocks of zeros where it lost power before writing them, and no
      // line has a NUL: in the last segment the log ends there.
      const hole = segment === this.#last ? chunk.subarray(0, read).indexOf(0) : -1
      if (!splitter.push(chunk.subarray(0, hole === -1 ? read : hole), visit)) break
      if (hole !== -1) break
      if (splitter.overflow) walker.fail('malformed', walker.sequence + 1, segment, at, LONG)
      await this.#pause()
    }
    if (segment === this.#last || walker.fault !== undefined) walker.finish(segment, at)
    this.#check(walker)
    return { at, size }
  }

  /** The cursor, once the line that it names was found there. */
  async #at(cursor: LogCursor): Promise<LogCursor> {
    if (cursor.sequence === 0) {
      return this.#isRemoved(1) ? this.#endOfRemoved(this.#lastRemoved(1)) : START
    }
    if (cursor.segment > this.#last) throw shorter(cursor)
    if (this.#isRemoved(cursor.segment)) return this.#behindRemoved(cursor)
    const isLast = cursor.segment === this.#last
    const reader = isLast ? undefined : await this.#reader(cursor.segment)
    try {
      const size = reader?.size ?? this.#file.facts().size
      if (size < cursor.offset) throw shorter(cursor)
      const line = await lastLine(reader ?? this.#file, cursor.offset)
      if (line?.hash !== cursor.hash || line.sequence !== cursor.sequence) throw other(cursor)
      return cursor
    } finally {
      reader?.close()
    }
  }

  /** The end of what retention removed, once the line of the cursor was found among the hashes. */
  async #behindRemoved(cursor: LogCursor): Promise<LogCursor> {
    const { segment, sequence } = cursor
    const header = await readHashesHeader(this.#files, this.#directory, segment)
    const index = sequence - (header?.firstSequence ?? 0)
    if (header === undefined || index < 0 || index >= header.lines) throw other(cursor)
    const leaf = await readLeaf(this.#files, this.#directory, segment, index)
    if (leaf.toString('hex') !== cursor.hash) throw other(cursor)
    const end = await this.#endOfRemoved(this.#lastRemoved(segment))
    return { ...end, revision: cursor.revision }
  }

  async #endOfRemoved(segment: number): Promise<LogCursor> {
    const header = await readHashesHeader(this.#files, this.#directory, segment)
    if (header === undefined) throw unended(segment)
    const { firstSequence, lines, previous } = header
    const leaf =
      lines === 0 ? previous : await readLeaf(this.#files, this.#directory, segment, lines - 1)
    const hash = Buffer.from(leaf).toString('hex')
    return { segment, offset: 0, sequence: firstSequence + lines - 1, hash, revision: 0 }
  }

  /** Without a cursor: the last line before the last segment. */
  async #beforeLast(): Promise<LogCursor> {
    if (this.#last === 1) return START
    const segment = this.#last - 1
    if (this.#isRemoved(segment)) return this.#endOfRemoved(segment)
    const reader = await this.#reader(segment)
    try {
      const { size: offset } = reader
      const line = await lastLine(reader, offset)
      if (line === undefined) throw unended(segment)
      const { revision, lines } = await this.#lastCommit(segment)
      // Its other lines may stand in the last segment: a commit can meet a failing disk halfway.
      if (revision > 0) this.#counts.set(revision, lines)
      return { segment, offset, sequence: line.sequence, hash: line.hash, revision }
    } finally {
      reader.close()
    }
  }

  /** Revisions grow along the log, so the lines of the last commit have the highest. */
  async #lastCommit(upTo: number): Promise<{ revision: number; lines: number }> {
    let last = 0
    let lines = 0
    for (let segment = upTo; segment >= 1; segment--) {
      if (this.#isRemoved(segment)) break
      const reader = await this.#reader(segment)
      try {
        for await (const { bytes } of blocksBackward(reader, reader.size)) {
          for (let end = bytes.length - 1; end > 0; ) {
            const newline = bytes.lastIndexOf(0x0a, end - 1)
            const revision = parseLine(bytes, newline + 1, end)?.revision ?? 0
            end = newline
            if (revision === 0) continue
            if (last !== 0 && revision !== last) return { revision: last, lines }
            last = revision
            lines++
          }
          await this.#pause()
        }
      } finally {
        reader.close()
      }
    }
    return { revision: last, lines }
  }

  #count(revision: number): void {
    if (revision > 0) this.#counts.set(revision, (this.#counts.get(revision) ?? 0) + 1)
  }

  #check({ fault }: ChainWalker): void {
    if (fault !== undefined) throw faultError(fault)
  }

  #lastRemoved(from: number): number {
    let last = from
    while (this.#isRemoved(last + 1)) last++
    return last
  }

  #isRemoved(segment: number): boolean {
    const names = ['jsonl', 'jsonl.gz'] as const
    return names.every(
      (kind) => this.#files.facts(segmentPath(this.#directory, segment, kind)) === undefined,
    )
  }

  async #reader(segment: number): Promise<SegmentReader> {
    const reader = await openSegment(this.#files, this.#directory, segment)
    if (reader === undefined) throw unended(segment)
    return reader
  }

  async #pause(): Promise<void> {
    if (performance.now() - this.#sliceStart < SLICE_MS) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#sliceStart = performance.now()
  }
}

const CUT = 'is cut off at the end of a segment that is not the last'
const LONG = 'is too long'

/** The line that ends at `end`, or undefined if none does. */
async function lastLine(
  file: LineBytes,
  end: number,
): Promise<{ sequence: number; hash: string } | undefined> {
  for await (const { bytes } of blocksBackward(file, end)) {
    if (bytes.at(-1) !== 0x0a) return undefined
    const stop = bytes.length - 1
    const start = bytes.lastIndexOf(0x0a, stop - 1) + 1
    const head = parseLine(bytes, start, stop)
    return head && { sequence: head.sequence, hash: hashLine(bytes, start, stop) }
  }
  return undefined
}

function unended(segment: number): AuditError {
  const message = `segment ${segment} does not end with a line`
  return new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
}

function other(cursor: LogCursor): AuditError {
  return tampered(`line ${cursor.sequence} is not the line that was synced`, cursor)
}

function shorter(cursor: LogCursor): AuditError {
  return tampered(`the log ends before line ${cursor.sequence}, which was synced`, cursor)
}

function tampered(message: string, { sequence, segment }: LogCursor): AuditError {
  return new AuditError('ERR_AUDIT_TAMPERED', message, { sequence, segment })
}

function describe(
  tornBytes: number,
  linesAfterCursor: number,
  countedFrom: number,
  counts: ReadonlyMap<number, number>,
): Recovered {
  return {
    tornBytes,
    linesAfterCursor,
    countedFrom,
    revisionLines: (revision) => counts.get(revision) ?? 0,
  }
}
