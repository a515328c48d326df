import { AuditError } from './errors.ts'
import type { LineHead } from './line.ts'

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

const MAX_TIME_MS = 253_402_300_799_999

/**
 * The line `bytes[start, end)` of `segment`, whose envelope is `head`.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if it is no JSON.
 */
export function readRecord(
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
    throw damagedLine(segment, sequence, cause)
  }
  const timeMs = Date.parse(line.time)
  const known = { sequence, timeMs, previous, body: line.body }
  return revision === 0 ? known : { ...known, revision }
}

export function damagedLine(segment: number, sequence?: number, cause?: unknown): AuditError {
  const what = sequence === undefined ? 'a line' : `line ${sequence}`
  const detail = { segment, cause, ...(sequence === undefined ? {} : { sequence }) }
  return new AuditError('ERR_AUDIT_TAMPERED', `${what} of segment ${segment} is damaged`, detail)
}

/**
 * A time as text that compares with the `time` of lines as the instants do: ISO 8601 of years 0 to
 * 9999 sorts so. A fraction of a millisecond is rounded up.
 */
export function isoOf(timeMs: number, name: string): string {
  if (typeof timeMs !== 'number' || Number.isNaN(timeMs)) throw new RangeError(`${name} is no time`)
  if (timeMs < 0) return ''
  return timeMs > MAX_TIME_MS ? '~' : new Date(Math.ceil(timeMs)).toISOString()
}
