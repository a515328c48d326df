import { listSegments, openOwn, segmentPath } from '../directory.ts'
import { AuditError } from '../errors.ts'
import type { LogFiles } from '../log-files.ts'
import { CompressedSegment, type Member } from './compressed.ts'

/** Lines of one segment, plain or compressed, by their offsets in the segment as it was written. */
export interface SegmentReader {
  readonly segment: number
  readonly compressed: boolean
  /** Bytes of lines that are there; of the segment that is being written, it grows. */
  readonly size: number
  /** Read at `position` until `into` is full or the lines end; returns how many bytes were read. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): void
}

/**
 * Open the lines of a segment; undefined if retention has removed them. What is open stays readable
 * when the segment is compressed or removed.
 * @param members table of its blocks, where it is known from the index.
 * @throws AuditError `ERR_AUDIT_DIRECTORY`; `ERR_AUDIT_TAMPERED` if it is missing or damaged.
 */
export async function openSegment(
  files: LogFiles,
  directory: string,
  segment: number,
  members?: readonly Member[],
): Promise<SegmentReader | undefined> {
  const plain = segmentPath(directory, segment)
  // Looked up and opened without a pause: the archiver exchanges one for the other.
  if (files.facts(plain) !== undefined) return plainReader(files, plain, segment)
  const compressed = segmentPath(directory, segment, 'jsonl.gz')
  if (files.facts(compressed) === undefined) {
    if (files.facts(segmentPath(directory, segment, 'hashes')) !== undefined) return undefined
    throw new AuditError('ERR_AUDIT_TAMPERED', `segment ${segment} is missing`, { segment })
  }
  const file = openOwn(files, compressed, 'read')
  try {
    const lines = await CompressedSegment.open(file, segment, members)
    return {
      segment,
      compressed: true,
      size: lines.size,
      read: (into, position) => lines.read(into, position),
      close: () => lines.close(),
    }
  } catch (error) {
    file.close()
    throw error
  }
}

/** Numbers of the first and the last segment that have lines, or undefined without any. */
export function presentSegments(
  files: LogFiles,
  directory: string,
): { first: number; last: number } | undefined {
  const segments = listSegments(files, directory)
  const first = segments.find(({ plain, compressed }) => plain || compressed)
  return first && { first: first.segment, last: segments.length }
}

function plainReader(files: LogFiles, path: string, segment: number): SegmentReader {
  const file = openOwn(files, path, 'read')
  return {
    segment,
    compressed: false,
    get size() {
      return file.facts().size
    },
    read: (into, position) => file.read(into, position),
    close: () => file.close(),
  }
}
