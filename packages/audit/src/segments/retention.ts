import { listSegments, segmentPath } from '../directory.ts'
import { AuditError } from '../errors.ts'
import type { LogFiles } from '../log-files.ts'
import { isoOf } from '../record.ts'
import { readHashes } from './hashes-file.ts'
import { readIndex } from './index-file.ts'

export interface OldSegmentsOptions {
  /** Lines at or after this time are kept, with all behind them. */
  readonly beforeMs: number
  /** Highest segment that may go: one before that of the cursor with which the log will be opened. */
  readonly last: number
}

/**
 * The highest segment such that it and all before it are archived and have no line at or after
 * `beforeMs`; 0 if there is none. Segments that are removed already count as old. A damaged index
 * ends the search: what it would say is not known.
 */
export async function oldSegments(
  files: LogFiles,
  directory: string,
  { beforeMs, last }: OldSegmentsOptions,
): Promise<number> {
  const before = isoOf(beforeMs, 'beforeMs')
  let old = 0
  for (const { segment, plain, compressed, hashes } of listSegments(files, directory)) {
    if (segment > last || plain || !hashes) break
    if (compressed) {
      const index = await readIndex(files, directory, segment)
      if (typeof index === 'string') break
      if (index.blocks.some(({ latest }) => latest >= before)) break
    }
    old = segment
  }
  return old
}

/**
 * Remove the lines and indexes of the segments 1 up to `upTo`; their leaf hashes stay. A note of
 * retention must be durable before. May be called again after it was interrupted.
 * @throws RangeError if there are not so many archived segments; AuditError `ERR_AUDIT_TAMPERED` if
 * leaf hashes are damaged, which are then the only evidence: nothing more is removed.
 */
export async function removeSegments(
  files: LogFiles,
  directory: string,
  upTo: number,
): Promise<void> {
  const segments = listSegments(files, directory).slice(0, upTo)
  const archived = segments.every(({ plain, hashes }) => !plain && hashes)
  if (!Number.isSafeInteger(upTo) || upTo < 0 || segments.length < upTo || !archived) {
    throw new RangeError(`the segments up to ${upTo} are not all archived`)
  }
  for (const { segment, compressed, index } of segments) {
    if (compressed) {
      await checkHashes(files, directory, segment)
      const path = segmentPath(directory, segment, 'jsonl.gz')
      if (files.facts(path) !== undefined) files.remove(path)
    }
    const path = segmentPath(directory, segment, 'index')
    if (index && files.facts(path) !== undefined) files.remove(path)
    // One by one: a power loss must not keep a segment and lose one behind it.
    if (compressed) files.syncDirectory(directory)
  }
}

async function checkHashes(files: LogFiles, directory: string, segment: number): Promise<void> {
  let bytes = 0
  for await (const chunk of readHashes(files, directory, segment)) bytes += chunk.length
  if (bytes > 0) return
  const message = `the leaf hashes of segment ${segment} are empty`
  throw new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
}
