import { blocksBackward } from './backward.ts'
import type { LogCursor } from './cursor.ts'
import { openOwn, segmentPath } from './directory.ts'
import { AuditError } from './errors.ts'
import { type LineHead, parseLine, timeOf } from './line.ts'
import type { LogFiles } from './log-files.ts'

/** One line, read back. */
export interface LogRecord {
  readonly sequence: number
  readonly timeMs: number
  /** Revision of the commit, where the line belongs to one. */
  readonly revision?: number
  /** Leaf hash of the line before. */
  readonly previous: string
  /** The body, parsed; owned by the caller. */
  readonly body: unknown
}

/** Which records to return; all members must hold. */
export interface QueryFilter {
  /** Not before this time. */
  readonly sinceMs?: number
  /** Before this time. */
  readonly untilMs?: number
  /** At most so many records, the newest; default 100, `Infinity` for all. */
  readonly limit?: number
  /** What only the owner of the body's schema can say: user, key, action, outcome. */
  readonly match?: (record: LogRecord) => boolean
}

export const DEFAULT_QUERY_LIMIT = 100
/** Longest stretch on the main thread. */
const SLICE_MS = 4

/** The records of the log up to `tail`, newest first. */
export async function* queryLog(
  files: LogFiles,
  directory: string,
  tail: LogCursor,
  filter: QueryFilter,
): AsyncGenerator<LogRecord, void, void> {
  const wanted = selector(filter)
  let left = filter.limit ?? DEFAULT_QUERY_LIMIT
  if (typeof left !== 'number' || !(left >= 0)) throw new RangeError('limit must be at least 0')
  let sliceStart = performance.now()
  for (let segment = tail.segment; segment >= 1 && left > 0; segment--) {
    const file = openOwn(files, segmentPath(directory, segment), 'read')
    let young = false
    try {
      const end = segment === tail.segment ? tail.offset : file.facts().size
      for await (const { bytes } of blocksBackward(file, end)) {
        for (let stop = bytes.length - 1; stop > 0; ) {
          const newline = bytes.lastIndexOf(0x0a, stop - 1)
          const head = parseLine(bytes, newline + 1, stop)
          if (head === undefined) throw damaged(segment)
          const time = timeOf(bytes, newline + 1, head)
          young ||= time >= wanted.since
          if (time >= wanted.since && time < wanted.until) {
            const record = readRecord(bytes, newline + 1, stop, head, segment)
            if (wanted.match(record)) {
              yield record
              left--
              if (left <= 0) return
            }
          }
          stop = newline
          if (performance.now() - sliceStart >= SLICE_MS) {
            await new Promise((resolve) => setImmediate(resolve))
            sliceStart = performance.now()
          }
        }
      }
    } finally {
      file.close()
    }
    // Clocks are set back, so one old line proves nothing; a whole segment of them does.
    if (!young) return
  }
}

/** Times as text: ISO 8601 of years 0 to 9999 sorts as the instants do. */
function selector({ sinceMs, untilMs, match }: QueryFilter): {
  since: string
  until: string
  match: (record: LogRecord) => boolean
} {
  return {
    since: sinceMs === undefined ? '' : isoOf(sinceMs, 'sinceMs'),
    until: untilMs === undefined ? '~' : isoOf(untilMs, 'untilMs'),
    match: match ?? (() => true),
  }
}

function isoOf(timeMs: number, name: string): string {
  if (typeof timeMs !== 'number' || Number.isNaN(timeMs)) throw new RangeError(`${name} is no time`)
  if (timeMs < 0) return ''
  return timeMs > 253_402_300_799_999 ? '~' : new Date(Math.ceil(timeMs)).toISOString()
}

function readRecord(
  bytes: Buffer,
  start: number,
  end: number,
  { sequence, previous, revision }: LineHead,
  segment: number,
): LogRecord {
  let line: { time: string; body: unknown }
  try {
    line = JSON.parse(bytes.toString('utf8', start, end))
  } catch (cause) {
    throw damaged(segment, sequence, cause)
  }
  const timeMs = Date.parse(line.time)
  const known = { sequence, timeMs, previous, body: line.body }
  return revision === 0 ? known : { ...known, revision }
}

function damaged(segment: number, sequence?: number, cause?: unknown): AuditError {
  const what = sequence === undefined ? 'a line' : `line ${sequence}`
  const detail = { segment, cause, ...(sequence === undefined ? {} : { sequence }) }
  return new AuditError('ERR_AUDIT_TAMPERED', `${what} of segment ${segment} is damaged`, detail)
}
