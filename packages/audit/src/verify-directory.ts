import { listSegments, openOwn, segmentPath } from './directory.ts'
import { AuditError } from './errors.ts'
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
}

const READ_BYTES = 256 * 1024

/**
 * Verify the log in a directory, also while it is written: lines that a running log is adding
 * count as far as they are whole when they are read.
 * @throws AuditError `ERR_AUDIT_DIRECTORY` if a file there is not one of the log's.
 */
export async function verifyDirectory(
  directory: string,
  options: VerifyDirectoryOptions = {},
): Promise<VerifyResult> {
  const { files = nodeFiles, ...rest } = options
  return verifySegments(sources(files, directory), rest)
}

async function* sources(files: LogFiles, directory: string): AsyncGenerator<SegmentSource> {
  for (const segment of listSegments(files, directory)) {
    const bytes = read(files, segmentPath(directory, segment))
    yield { segment, bytes }
  }
}

async function* read(files: LogFiles, path: string): AsyncGenerator<Uint8Array> {
  const file = openOwn(files, path, 'read')
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const { size } = file.facts()
    for (let position = 0; position < size; ) {
      const count = await file.read(buffer, position)
      if (count === 0) throw new AuditError('ERR_AUDIT_TAMPERED', `${path} became shorter`)
      position += count
      yield buffer.subarray(0, count)
    }
  } finally {
    file.close()
  }
}
