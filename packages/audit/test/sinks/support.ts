import type { LogCursor } from '@secreg/audit'
import type { SinkCursors } from '../../src/sinks/cursor-file.ts'
import {
  type ForwardBatch,
  type ForwardLimits,
  type ForwardRecord,
  type RecordSource,
  START_CURSOR,
} from '../../src/sinks/source.ts'
import { leaf, T0 } from '../support.ts'

export interface FakeLog extends RecordSource {
  synced: LogCursor
  readonly records: readonly ForwardRecord[]
  /** Add records, synced at once. */
  add(...bodies: unknown[]): void
  /** Take records away as retention does. */
  drop(count: number): void
  /** What the next reads fail with. */
  failures: unknown[]
  reads: number
}

/** A log in memory whose lines are as the real ones. */
export function fakeLog(count = 0): FakeLog {
  const records: ForwardRecord[] = []
  const cursors: LogCursor[] = [START_CURSOR]
  let dropped = 0
  const log: FakeLog = {
    synced: START_CURSOR,
    records,
    failures: [],
    reads: 0,
    add(...bodies) {
      for (const body of bodies) {
        const { sequence: last, hash: previous, offset } = cursors.at(-1) as LogCursor
        const sequence = last + 1
        const record = { sequence, timeMs: T0 + sequence, previous, body }
        const line = lineOf(record)
        records.push({ ...record, line })
        const end = offset + Buffer.byteLength(line) + 1
        cursors.push({ segment: 1, offset: end, sequence, hash: leaf(line), revision: 0 })
      }
      log.synced = cursors.at(-1) as LogCursor
    },
    drop(number) {
      dropped = number
    },
    async readAfter(cursor: LogCursor, limits: ForwardLimits): Promise<ForwardBatch> {
      log.reads++
      await new Promise((resolve) => setImmediate(resolve))
      if (log.failures.length > 0) throw log.failures.shift()
      const from = Math.max(cursor.sequence, dropped)
      let bytes = 0
      const found: ForwardRecord[] = []
      for (const record of records.slice(from, log.synced.sequence)) {
        bytes += record.line.length
        if (found.length > 0 && (found.length >= limits.maxRecords || bytes > limits.maxBytes)) {
          break
        }
        found.push(record)
      }
      const end = cursors[from + found.length] as LogCursor
      return { records: found, cursor: end, missed: from - cursor.sequence }
    },
  }
  log.add(...Array.from({ length: count }, (_, index) => ({ n: index + 1 })))
  return log
}

/** The line of the log that says this. */
export function lineOf({
  sequence,
  timeMs,
  previous,
  revision,
  body,
}: Omit<ForwardRecord, 'line'>): string {
  const time = new Date(timeMs).toISOString()
  const rev = revision === undefined ? {} : { rev: revision }
  return JSON.stringify({ seq: sequence, time, prev: previous, ...rev, body })
}

/** The `index`th record of a log with one body. */
export function recordOf(body: unknown): ForwardRecord {
  const log = fakeLog()
  log.add(body)
  return log.records[0] as ForwardRecord
}

export interface MemoryCursors extends SinkCursors {
  stored: LogCursor | undefined
  stores: number
  /** What the next stores fail with. */
  failures: unknown[]
}

export function memoryCursors(stored?: LogCursor): MemoryCursors {
  const cursors: MemoryCursors = {
    stored,
    stores: 0,
    failures: [],
    load: async () => (cursors.stored === undefined ? {} : { cursor: cursors.stored }),
    async store(_, cursor) {
      cursors.stores++
      await new Promise((resolve) => setImmediate(resolve))
      if (cursors.failures.length > 0) throw cursors.failures.shift()
      cursors.stored = cursor
    },
  }
  return cursors
}

/** Let everything run that waits for nothing but its turn, until a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('waited too long')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Let everything run that waits for nothing but its turn. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Bodies whose texts try to look like something else. */
export const HOSTILE_TEXTS: readonly string[] = [
  'a\nb',
  'a\r\n<86>1 2026-11-22T07:04:05.123Z host secreg 1 read - forged',
  '\n77 <86>1 - - - - - - forged',
  '\u001b[2J\u001b]0;title\u0007',
  '\ufeffbom',
  'line\u2028separator\u2029',
  'next\u0085line \u009b31m',
  '\u202egnp.exe\u202c',
  'nul\0 del\u007f',
  '"] [secreg@1 user="root"]',
  'back\\slash\\" \\u2028 \\\\u0085',
  '\ud800 lonely',
  '𝄞 ünï',
]
