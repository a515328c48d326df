import type { LogCursor } from '../cursor.ts'
import { listSegments, type SegmentFiles } from '../directory.ts'
import { AuditError } from '../errors.ts'
import { GENESIS_HASH, parseLine } from '../line.ts'
import type { LogFiles } from '../log-files.ts'
import { Slices } from '../slices.ts'
import { blocksForward } from './forward.ts'
import { readHashesHeader, readLeaf } from './hashes-file.ts'
import { readIndex } from './index-file.ts'
import { openSegment, type SegmentReader } from './segment-reader.ts'

const FIRST_MEMBER = /^\{"seq":([1-9]\d{0,15}),/
const FIRST_BYTES = 32

/**
 * The position just before line `sequence`, from 1 to one more than that of `tail`: reading after
 * it starts with that line. Its `segment` holds the line before, if that line is there; the offset
 * is 0 where it is the first that is there, or is in a removed segment. `revision` is the highest
 * among the lines that were looked at on the way, which may be 0.
 * @throws RangeError for another sequence; AuditError `ERR_AUDIT_TAMPERED`.
 */
export async function locate(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  sequence: number,
): Promise<LogCursor> {
  if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence > tail.sequence + 1) {
    throw new RangeError(`sequence must be an integer from 1 to ${tail.sequence + 1}`)
  }
  if (sequence === tail.sequence + 1) return tail
  if (sequence === 1) {
    return { segment: 1, offset: 0, sequence: 0, hash: GENESIS_HASH, revision: 0 }
  }
  const segment = await segmentOf(files, directory, tail, sequence)
  const reader = await openSegment(files, directory, segment)
  if (reader === undefined) return removedLine(files, directory, segment, sequence)
  try {
    const end = segment === tail.segment ? tail.offset : reader.size
    const found = await find(
      reader,
      await startOf(files, directory, segment, sequence),
      end,
      sequence,
    )
    if (found.offset > 0) return { segment, ...found }
    const before = await openSegment(files, directory, segment - 1)
    if (before === undefined) return { segment, ...found }
    const { size } = before
    before.close()
    return { ...found, segment: segment - 1, offset: size }
  } finally {
    reader.close()
  }
}

/** Number of the segment that holds line `sequence`, which is in the log up to `tail`. */
export async function segmentOf(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  sequence: number,
): Promise<number> {
  const segments = listSegments(files, directory).slice(0, tail.segment)
  let low = 0
  let high = segments.length
  // The last segment whose first line is not behind the one that is looked for.
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    const first = await firstSequence(files, directory, segments[middle] as SegmentFiles)
    if (first <= sequence) low = middle
    else high = middle
  }
  return low + 1
}

/**
 * Sequence of the first line of a segment, or `Infinity` if it has no line yet.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if that cannot be told.
 */
export async function firstSequence(
  files: LogFiles,
  directory: string,
  { segment, plain }: SegmentFiles,
): Promise<number> {
  const header = plain ? undefined : await readHashesHeader(files, directory, segment)
  if (header !== undefined) return header.firstSequence
  const reader = await openSegment(files, directory, segment)
  if (reader === undefined) throw damaged(segment)
  try {
    if (reader.size === 0) return Number.POSITIVE_INFINITY
    const start = Buffer.alloc(FIRST_BYTES)
    const count = await reader.read(start, 0)
    const match = FIRST_MEMBER.exec(start.toString('latin1', 0, count))
    if (match === null) throw damaged(segment)
    return Number(match[1])
  } finally {
    reader.close()
  }
}

/** Offset at or before line `sequence`, from the index where there is one. */
async function startOf(
  files: LogFiles,
  directory: string,
  segment: number,
  sequence: number,
): Promise<number> {
  const index = await readIndex(files, directory, segment)
  if (typeof index === 'string') return 0
  return index.blocks.findLast(({ firstSequence }) => firstSequence <= sequence)?.offset ?? 0
}

async function find(
  reader: SegmentReader,
  from: number,
  end: number,
  sequence: number,
): Promise<Omit<LogCursor, 'segment'>> {
  const slices = new Slices()
  let revision = 0
  for await (const { bytes, offset } of blocksForward(reader, from, end)) {
    for (let start = 1; start < bytes.length; ) {
      const stop = bytes.indexOf(0x0a, start)
      const head = parseLine(bytes, start, stop)
      if (head === undefined || head.sequence > sequence) throw damaged(reader.segment)
      if (head.sequence === sequence) {
        // `prev` of the line is the hash of the one before it.
        const hash = head.previous
        return { offset: offset + start - 1, sequence: sequence - 1, hash, revision }
      }
      revision = Math.max(revision, head.revision)
      start = stop + 1
      if (slices.due) await slices.pause()
    }
  }
  throw damaged(reader.segment)
}

async function removedLine(
  files: LogFiles,
  directory: string,
  segment: number,
  sequence: number,
): Promise<LogCursor> {
  const header = await readHashesHeader(files, directory, segment)
  if (header === undefined) throw damaged(segment)
  const index = sequence - header.firstSequence
  const hash = index === 0 ? header.previous : await readLeaf(files, directory, segment, index - 1)
  return {
    segment,
    offset: 0,
    sequence: sequence - 1,
    hash: Buffer.from(hash).toString('hex'),
    revision: 0,
  }
}

function damaged(segment: number): AuditError {
  const message = `segment ${segment} does not hold the lines that it should`
  return new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
}
