import { join } from 'node:path'
import { AuditError } from './errors.ts'
import type { FileFacts, LogFile, LogFiles } from './log-files.ts'

/** Name of the file that keeps space free. */
export const RESERVE_NAME = 'reserve'
const SEGMENT_NAME = /^(?!0{8})\d{8}\.jsonl$/
/** Made by the file system when the directory is a mount point of its own. */
const LOST_AND_FOUND = 'lost+found'
/** Segment numbers have eight digits. */
const MAX_SEGMENT = 99_999_999

/** Path of segment `segment`. */
export function segmentPath(directory: string, segment: number): string {
  if (segment > MAX_SEGMENT) throw new RangeError(`a log has at most ${MAX_SEGMENT} segments`)
  return join(directory, `${String(segment).padStart(8, '0')}.jsonl`)
}

/** Make the directory if it is not there; refuse one that others could change. */
export function prepareDirectory(files: LogFiles, directory: string): void {
  try {
    if (files.facts(directory) === undefined) files.makeDirectory(directory)
  } catch (cause) {
    throw refused(directory, 'cannot be made', cause)
  }
  const facts = files.facts(directory)
  if (facts?.kind === 'link') throw refused(directory, 'is a symbolic link')
  if (facts?.kind !== 'directory') throw refused(directory, 'is not a directory')
  if (!facts.ours) throw refused(directory, 'belongs to another user')
  if (facts.mode !== 0o700) throw refused(directory, `has mode ${octal(facts.mode)}, not 0700`)
}

/**
 * Numbers of the segments, ascending and gapless from 1.
 * @throws AuditError `ERR_AUDIT_DIRECTORY` for a name that this package does not make,
 * `ERR_AUDIT_TAMPERED` for a missing segment.
 */
export function listSegments(files: LogFiles, directory: string): number[] {
  let names: string[]
  try {
    names = files.list(directory)
  } catch (cause) {
    throw refused(directory, 'cannot be listed', cause)
  }
  const segments: number[] = []
  for (const name of names) {
    if (SEGMENT_NAME.test(name)) segments.push(Number(name.slice(0, 8)))
    else if (name !== RESERVE_NAME && name !== LOST_AND_FOUND) {
      throw refused(join(directory, name), 'is not a file of the log: move it elsewhere')
    }
  }
  segments.sort((a, b) => a - b)
  segments.forEach((segment, index) => {
    if (segment !== index + 1) {
      throw new AuditError('ERR_AUDIT_TAMPERED', `segment ${index + 1} is missing`, {
        segment: index + 1,
      })
    }
  })
  return segments
}

/** Open a file of the log and refuse it unless it is one that this package would have made. */
export function openOwn(files: LogFiles, path: string, access: 'read' | 'write'): LogFile {
  let file: LogFile
  try {
    file = files.open(path, access)
  } catch (cause) {
    throw refused(path, 'cannot be opened', cause)
  }
  const reason = foreignReason(file.facts())
  if (reason === undefined) return file
  file.close()
  throw refused(path, reason)
}

function foreignReason(facts: FileFacts): string | undefined {
  if (facts.kind !== 'file') return 'is not a regular file'
  if (!facts.ours) return 'belongs to another user'
  if (facts.mode !== 0o600) return `has mode ${octal(facts.mode)}, not 0600`
  // A second name could be used to write to the log from outside its directory.
  return facts.links === 1 ? undefined : 'has a second name'
}

function refused(path: string, reason: string, cause?: unknown): AuditError {
  return new AuditError('ERR_AUDIT_DIRECTORY', `${path} ${reason}`, { cause })
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
