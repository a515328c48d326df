import { join } from 'node:path'
import { CHECKPOINTS_NAME, openOwn } from './directory.ts'
import type { LogFiles } from './log-files.ts'
import { nodeFiles } from './node-files.ts'
import { readWhole } from './notes-store.ts'
import { type LogVerifyResult, type VerifyLogOptions, verifyLog } from './proof/verify-log.ts'
import { segmentSources } from './segment-sources.ts'

export interface VerifyDirectoryOptions extends Omit<VerifyLogOptions, 'notes'> {
  /** Default: the real file system. */
  readonly files?: LogFiles
  /** Read only up to here, such as the `tail` of a log that is being written. */
  readonly until?: { readonly segment: number; readonly offset: number }
}

/**
 * Verify the log in a directory with the signed notes beside it: see {@link verifyLog}. It needs
 * nothing but the files and, to know whose they are, one public key. While the log is written, give
 * `until`: otherwise a line that is just being added may be reported as torn.
 * @throws AuditError `ERR_AUDIT_DIRECTORY` if a file there is not one of the log's.
 */
export async function verifyDirectory(
  directory: string,
  options: VerifyDirectoryOptions = {},
): Promise<LogVerifyResult> {
  const { files = nodeFiles, until, ...rest } = options
  const notes = await readNotesFile(files, directory)
  const given = notes ?? (rest.keys === undefined ? undefined : '')
  return verifyFiles(files, directory, until, {
    ...rest,
    ...(given === undefined ? {} : { notes: given }),
  })
}

/**
 * Verify, and only where lines were rewritten look at the leaf hashes beside them, which may tell
 * the exact one.
 */
export async function verifyFiles(
  files: LogFiles,
  directory: string,
  until: VerifyDirectoryOptions['until'],
  options: VerifyLogOptions,
): Promise<LogVerifyResult> {
  const result = await verifyLog(segmentSources(files, directory, until, false), options)
  const { firstFault: fault } = result
  if (fault?.kind !== 'rewritten' || fault.until === fault.sequence) return result
  return verifyLog(segmentSources(files, directory, until), options)
}

async function readNotesFile(files: LogFiles, directory: string): Promise<Buffer | undefined> {
  const path = join(directory, CHECKPOINTS_NAME)
  if (files.facts(path) === undefined) return undefined
  const file = openOwn(files, path, 'read')
  try {
    return await readWhole(file)
  } finally {
    file.close()
  }
}
