import type { LogCursor } from '../cursor.ts'
import { listSegments, type SegmentFiles } from '../directory.ts'
import { AuditError } from '../errors.ts'
import { hashLine, parseLine } from '../line.ts'
import type { LogFiles } from '../log-files.ts'
import { HASH_BYTES } from '../proof/merkle.ts'
import { Slices } from '../slices.ts'
import { blocksForward } from './forward.ts'
import { readHashes, readHashesHeader } from './hashes-file.ts'
import { segmentOf } from './locate.ts'
import { openSegment } from './segment-reader.ts'

/**
 * Leaf hashes of the leaves `start` up to `end` of the tree (leaf i is line i + 1) in chunks of
 * 32-byte hashes, each the caller's. They come from the kept hashes of closed segments and from the
 * lines of the others. Nothing is to be concluded before the last chunk has come: damage shows late.
 * @param tail last line that may be read.
 * @throws RangeError unless 0 ≤ start ≤ end ≤ lines up to `tail`; AuditError `ERR_AUDIT_TAMPERED`
 * with the segment whose hashes or lines are damaged.
 */
export async function* leafHashes(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  if (!Number.isSafeInteger(start) || start < 0 || !(end >= start) || end > tail.sequence) {
    throw new RangeError(`start and end must be integers from 0 to ${tail.sequence}`)
  }
  let next = start
  const first = start < end ? await segmentOf(files, directory, tail, start + 1) : 1
  for (let segment = first; next < end; segment++) {
    if (segment > tail.segment) throw damaged(segment - 1, next + 1)
    for await (const chunk of ofSegment(files, directory, tail, segment, next, end)) {
      next += chunk.length / HASH_BYTES
      yield chunk
    }
  }
}

async function* ofSegment(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  segment: number,
  next: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  const { plain } = listSegments(files, directory)[segment - 1] as SegmentFiles
  const header = plain ? undefined : await readHashesHeader(files, directory, segment)
  if (header === undefined) {
    yield* fromLines(files, directory, tail, segment, next, end)
    return
  }
  const before = header.firstSequence - 1
  if (before > next) throw damaged(segment, next + 1)
  yield* readHashes(files, directory, segment, next - before, end - before)
}

async function* fromLines(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  segment: number,
  from: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = await openSegment(files, directory, segment)
  if (reader === undefined) throw damaged(segment, from + 1)
  const slices = new Slices()
  let next = from
  try {
    const size = segment === tail.segment ? tail.offset : reader.size
    for await (const { bytes } of blocksForward(reader, 0, size)) {
      const hashes: string[] = []
      for (let start = 1; start < bytes.length && next < end; ) {
        const stop = bytes.indexOf(0x0a, start)
        const sequence = parseLine(bytes, start, stop)?.sequence ?? Number.POSITIVE_INFINITY
        if (sequence > next + 1) throw damaged(segment, next + 1)
        if (sequence === next + 1) {
          hashes.push(hashLine(bytes, start, stop))
          next++
        }
        start = stop + 1
        if (slices.due) await slices.pause()
      }
      if (hashes.length > 0) yield Buffer.from(hashes.join(''), 'hex')
      if (next >= end) return
    }
  } finally {
    reader.close()
  }
}

function damaged(segment: number, sequence: number): AuditError {
  const message = `segment ${segment} does not hold line ${sequence}`
  return new AuditError('ERR_AUDIT_TAMPERED', message, { segment, sequence })
}
