import { join } from 'node:path'
import { AuditError } from './errors.ts'
import type { FileFacts, LogFile, LogFiles } from './log-files.ts'

/** Name of the file that keeps space free. */
export const RESERVE_NAME = 'reserve'
/** Name of the file of signed notes. */
export const CHECKPOINTS_NAME = 'checkpoints'
const SEGMENT_NAME = /^(?!0{8})(\d{8})\.(jsonl|jsonl\.gz|hashes|index)$/
const CURSOR_NAME = /^[a-z0-9-]{1,32}$/
const PART_NAME = /^((?!0{8})\d{8}\.(jsonl\.gz|hashes|index)|cursor-[a-z0-9-]{1,32})\.part$/
const CURSOR_PREFIX = 'cursor-'
/** Made by the file system when the directory is a mount point of its own. */
const LOST_AND_FOUND = 'lost+found'
/** Segment numbers have eight digits. */
const MAX_SEGMENT = 99_999_999

/** What a file of a segment holds: lines, the same compressed, their leaf hashes, their index. */
export type SegmentKind = 'jsonl' | 'jsonl.gz' | 'hashes' | 'index'

/** Which files a segment has. One with `hashes` and no lines was removed by retention. */
export interface SegmentFiles {
  readonly segment: number
  readonly plain: boolean
  readonly compressed: boolean
  readonly hashes: boolean
  readonly index: boolean
}

/** Path of a file of segment `segment`; default that of its lines. */
export function segmentPath(
  directory: string,
  segment: number,
  kind: SegmentKind = 'jsonl',
): string {
  if (segment > MAX_SEGMENT) throw new RangeError(`a log has at most ${MAX_SEGMENT} segments`)
  return join(directory, `${String(segment).padStart(8, '0')}.${kind}`)
}

/** Path under which a file is made that then gets the name `path`. */
export function partPath(path: string): string {
  return `${path}.part`
}

/** Path of the file that says how far a sink has got; `name` is 1 to 32 of a-z, 0-9 and `-`. */
export function cursorPath(directory: string, name: string): string {
  if (!CURSOR_NAME.test(name)) throw new RangeError('a cursor has a name of 1 to 32 of a-z, 0-9, -')
  return join(directory, CURSOR_PREFIX + name)
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
 * The segments, ascending and gapless from 1: first those that were removed, then those with lines.
 * @throws AuditError `ERR_AUDIT_DIRECTORY` for a name that this package does not make,
 * `ERR_AUDIT_TAMPERED` for a missing segment; the last one is never compressed.
 */
export function listSegments(files: LogFiles, directory: string): SegmentFiles[] {
  const found = new Map<number, Set<SegmentKind>>()
  for (const name of listNames(files, directory)) {
    const [, digits, kind] = SEGMENT_NAME.exec(name) ?? []
    if (digits === undefined) {
      if (!isOther(name)) {
        throw refused(join(directory, name), 'is not a file of the log: move it elsewhere')
      }
      continue
    }
    const kinds = found.get(Number(digits)) ?? new Set()
    found.set(Number(digits), kinds.add(kind as SegmentKind))
  }
  const numbers = [...found.keys()].sort((a, b) => a - b)
  const segments = numbers.map((segment) => describe(segment, found.get(segment)))
  let lines = false
  segments.forEach(({ segment, plain, compressed, hashes }, index) => {
    if (segment !== index + 1) throw missing(index + 1)
    if (!plain && !compressed && (lines || !hashes)) throw missing(segment)
    lines ||= plain || compressed
  })
  const last = segments.at(-1)
  // The segment after it was durable before this one was compressed or removed.
  if (last !== undefined && !last.plain) throw missing(last.segment + 1)
  return segments
}

/**
 * Check every file, and remove what a crash left: half-made files, compressed copies of segments whose lines are still
 * there, indexes of removed segments.
 */
export function tidyDirectory(files: LogFiles, directory: string): void {
  requireOwn(files, directory)
  for (const { segment, plain, compressed, index } of listSegments(files, directory)) {
    if (plain && compressed) files.remove(segmentPath(directory, segment, 'jsonl.gz'))
    if (!plain && !compressed && index) files.remove(segmentPath(directory, segment, 'index'))
  }
  for (const name of listNames(files, directory)) {
    if (PART_NAME.test(name)) files.remove(join(directory, name))
  }
}

/** Refuse a file that this package would not have made, whether it is opened now or later. */
function requireOwn(files: LogFiles, directory: string): void {
  for (const name of listNames(files, directory)) {
    const path = join(directory, name)
    const facts = isOther(name) || SEGMENT_NAME.test(name) ? files.facts(path) : undefined
    const reason = facts === undefined || name === LOST_AND_FOUND ? undefined : foreignReason(facts)
    if (reason !== undefined) throw refused(path, reason)
  }
}

function listNames(files: LogFiles, directory: string): string[] {
  try {
    return files.list(directory)
  } catch (cause) {
    throw refused(directory, 'cannot be listed', cause)
  }
}

function isOther(name: string): boolean {
  if (name === RESERVE_NAME || name === CHECKPOINTS_NAME || name === LOST_AND_FOUND) return true
  if (name.startsWith(CURSOR_PREFIX) && CURSOR_NAME.test(name.slice(CURSOR_PREFIX.length))) {
    return true
  }
  return PART_NAME.test(name)
}

function describe(segment: number, kinds: ReadonlySet<SegmentKind> = new Set()): SegmentFiles {
  return {
    segment,
    plain: kinds.has('jsonl'),
    compressed: kinds.has('jsonl.gz'),
    hashes: kinds.has('hashes'),
    index: kinds.has('index'),
  }
}

function missing(segment: number): AuditError {
  return new AuditError('ERR_AUDIT_TAMPERED', `segment ${segment} is missing`, { segment })
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
