import { listSegments, openOwn, segmentPath } from './directory.ts'
import type { LogFiles } from './log-files.ts'
import { nodeFiles } from './node-files.ts'
import {
  type SegmentSource,
  type VerifyOptions,
  type VerifyResult,
  verifySegments,
} from './verify.ts'

export interface VerifyDirectoryOptions extends VerifyOptions {
  /** Default: the real file system. */
  readonly files?: LogFiles
  /** Read only up to here, such as the `tail` of a log that is being written. */
  readonly until?: { readonly segment: number; readonly offset: number }
}

const READ_BYTES = 256 * 1024

/**
 * Verify the log in a directory. While it is written, give `until`: otherwise a line that is just
 * being added may be reported as torn.
 * @throws AuditError `ERR_AUDIT_DIRECTORY` if a file there is not one of the log's.
 */
export async function verifyDirectory(
  directory: string,
  options: VerifyDirectoryOptions = {},
): Promise<VerifyResult> {
  const { files = nodeFiles, until, ...rest } = options
  return verifySegments(sources(files, directory, until), rest)
}

async function* sources(
  files: LogFiles,
  directory: string,
  until: VerifyDirectoryOptions['until'],
): AsyncGenerator<SegmentSource> {
  for (const segment of listSegments(files, directory)) {
    if (until !== undefined && segment > until.segment) return
    const end = segment === until?.segment ? until.offset : Number.POSITIVE_INFINITY
    yield { segment, bytes: read(files, segmentPath(directory, segment), end) }
  }
}

/** Up to `end` or the end of the file, whichever is first; a file that is too short shows in the chain. */
async function* read(files: LogFiles, path: string, end: number): AsyncGenerator<Uint8Array> {
  const file = openOwn(files, path, 'read')
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const stop = Math.min(end, file.facts().size)
    for (let position = 0; position < stop; ) {
      const wanted = buffer.subarray(0, Math.min(buffer.length, stop - position))
      const count = await file.read(wanted, position)
      if (count === 0) return
      position += count
      yield buffer.subarray(0, count)
    }
  } finally {
    file.close()
  }
}
