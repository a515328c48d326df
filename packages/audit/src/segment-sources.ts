import { listSegments } from './directory.ts'
import { AuditError } from './errors.ts'
import type { LogFiles } from './log-files.ts'
import type { PresentSegment, RemovedSegment } from './proof/log-walk.ts'
import { readHashes } from './segments/hashes-file.ts'
import { openSegment } from './segments/segment-reader.ts'

const READ_BYTES = 256 * 1024

/**
 * The segments of a directory as they are verified: lines, inflated where they are compressed, and
 * with `sides` the leaf hashes beside them; of those that retention has removed only the hashes. Segments are
 * opened when their bytes are read. Retention must not remove any meanwhile.
 * @param until where the reading ends, such as the `tail` of a log that is being written; without
 * it a line that is just being added may be seen by half.
 * @throws AuditError `ERR_AUDIT_DIRECTORY`, `ERR_AUDIT_TAMPERED`; the bytes and hashes throw so too.
 */
export async function* segmentSources(
  files: LogFiles,
  directory: string,
  until?: { readonly segment: number; readonly offset: number },
  sides = true,
): AsyncGenerator<PresentSegment | RemovedSegment, void, void> {
  for (const { segment, plain, compressed, hashes } of listSegments(files, directory)) {
    if (until !== undefined && segment > until.segment) return
    const leaves = { hashes: readHashes(files, directory, segment) }
    if (!plain && !compressed) yield { segment, removed: true, ...leaves }
    else {
      const end = segment === until?.segment ? until.offset : Number.POSITIVE_INFINITY
      const bytes = readLines(files, directory, segment, end)
      yield hashes && sides ? { segment, bytes, ...leaves } : { segment, bytes }
    }
  }
}

/** Up to `end` or the end of the lines, whichever is first; what is too short shows in the chain. */
async function* readLines(
  files: LogFiles,
  directory: string,
  segment: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = await openSegment(files, directory, segment)
  if (reader === undefined) {
    const message = `segment ${segment} was removed while it was verified`
    throw new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
  }
  try {
    const stop = Math.min(end, reader.size)
    const read = async (position: number): Promise<Buffer> => {
      const chunk = Buffer.allocUnsafe(Math.max(0, Math.min(READ_BYTES, stop - position)))
      return chunk.subarray(0, await reader.read(chunk, position))
    }
    let ahead = read(0)
    for (let position = 0; ; ) {
      const chunk = await ahead
      if (chunk.length === 0) return
      position += chunk.length
      // Inflated elsewhere while this one is hashed here.
      ahead = read(position)
      ahead.catch(() => {})
      yield chunk
    }
  } finally {
    reader.close()
  }
}
