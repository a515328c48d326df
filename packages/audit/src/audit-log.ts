import { setTimeout as startTimer } from 'node:timers'
import type { LogCursor } from './cursor.ts'
import type { LogItem } from './line-encoder.ts'
import type { LogEvidence } from './log-evidence.ts'
import type { LogFiles } from './log-files.ts'
import type { LogRecord, QueryFilter } from './query.ts'
import type { Recovered } from './recover.ts'
import type { ArchiveEvent } from './segments/archiver.ts'
import type { TermSource } from './segments/block-summary.ts'
import type { ForwardBatch, ForwardLimits } from './segments/read-after.ts'

/** Time as the log needs it. */
export interface LogClock {
  /** Milliseconds from any origin; never goes back. */
  now(): number
  /** Call `run` after `delayMs`; returns what cancels it. Must not keep the process alive. */
  after(delayMs: number, run: () => void): () => void
}

/** What a log tells its owner besides its results. */
export type LogEvent =
  | { readonly type: 'append-failed'; readonly error: unknown }
  | { readonly type: 'sync-failed'; readonly error: unknown }
  | { readonly type: 'rotation-failed'; readonly error: unknown }
  | { readonly type: 'reserve-released' }
  | { readonly type: 'recovered' }
  | { readonly type: 'rotated'; readonly segment: number }
  | { readonly type: 'synced'; readonly cursor: LogCursor; readonly durationMs: number }
  | ArchiveEvent

export interface OpenLogOptions {
  /** Made 0700 if absent; its parent must exist. */
  readonly directory: string
  /** Bytes after which the next segment starts; default 64 MiB. */
  readonly segmentBytes?: number
  /** Bytes kept free on the disk, at least the largest group; default 4 MiB. */
  readonly reserveBytes?: number
  /** Longest time that a line stays without fdatasync; default 1000. */
  readonly syncIntervalMs?: number
  /** Shortest time between two attempts of {@link AuditLog.gate} to repair; default 250. */
  readonly repairIntervalMs?: number
  /** Last synced line as the owner of the log recorded it. */
  readonly cursor?: LogCursor
  /**
   * Words by which records are found, for the indexes of closed segments: a question that names some
   * ({@link QueryFilter}) reads only where all of them occur. Default none.
   */
  readonly terms?: TermSource
  /** Default: the real file system. */
  readonly files?: LogFiles
  /** Default: the process's monotonic clock. */
  readonly clock?: LogClock
  readonly observer?: (event: LogEvent) => void
}

export const DEFAULT_LOG_OPTIONS: Readonly<{
  segmentBytes: number
  reserveBytes: number
  syncIntervalMs: number
  repairIntervalMs: number
}> = Object.freeze({
  segmentBytes: 64 * 1024 * 1024,
  reserveBytes: 4 * 1024 * 1024,
  syncIntervalMs: 1000,
  repairIntervalMs: 250,
})

/** An append-only log of lines that each fix all lines before them. One process writes it. */
export interface AuditLog {
  /** Last line written. */
  readonly tail: LogCursor
  /** Last line known to survive a loss of power. Keep it and open with it. */
  readonly synced: LogCursor
  readonly recovered: Recovered
  /** `failing`: {@link gate} is false and will try to repair. Appending is still allowed. */
  readonly state: 'healthy' | 'failing' | 'closed'
  /**
   * Whether a group whose lines take `groupBytes` (bodies plus {@link ENVELOPE_BYTES} each) may be
   * committed: the last append and sync succeeded and at least so much is reserved. Otherwise tries
   * to repair, blocking for as long as the disk takes, at most once per repair interval.
   */
  gate(groupBytes: number): boolean
  /**
   * Write all items as lines with one write; when it returns they survive the death of the process.
   * @throws TypeError, RangeError for a wrong item; AuditError `ERR_AUDIT_APPEND`,
   * `ERR_AUDIT_CLOSED`. After any throw the log ends as before the call.
   */
  append(items: readonly LogItem[]): void
  /**
   * Make all lines written so far survive a loss of power. Calls share the work.
   * @throws AuditError `ERR_AUDIT_SYNC`, `ERR_AUDIT_CLOSED`.
   */
  sync(): Promise<LogCursor>
  /** The lines written before the call that fit the filter, newest first. */
  query(filter?: QueryFilter): AsyncIterable<LogRecord>
  /**
   * Some of the synced lines behind a cursor, oldest first, and the cursor behind them. What
   * retention has removed there is counted and passed over.
   */
  readAfter(cursor: LogCursor, limits: ForwardLimits): Promise<ForwardBatch>
  /** Cursor just before a synced line. */
  locate(sequence: number): Promise<LogCursor>
  /** Be told whenever lines have become durable. Returns what ends it. */
  onSynced(listener: () => void): () => void
  /** What proves to others that the log is what it was. */
  readonly evidence: LogEvidence
  /** Resolves once every closed segment is compressed and indexed, as far as that succeeds now. */
  settle(): Promise<void>
  /** Sync and close. Closes in any case; throws what the last sync threw. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** @throws TypeError unless `cursor` has the shape of one. */
export function assertCursor(cursor: LogCursor): void {
  const { segment, offset, sequence, hash, revision } = cursor
  const numbers = [segment, offset, sequence, revision]
  if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0) || segment < 1) {
    throw new TypeError('cursor must have segment, offset, sequence and revision as integers')
  }
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new TypeError('cursor.hash must be 64 hex digits')
}

/** The process's monotonic clock; its timers do not keep the process alive. */
export const systemClock: LogClock = Object.freeze({
  now: () => performance.now(),
  after(delayMs: number, run: () => void): () => void {
    const timer = startTimer(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
})
