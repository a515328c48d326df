import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AuditLog,
  type LogClock,
  type LogItem,
  type LogRecord,
  type OpenLogOptions,
  openLog,
  type QueryFilter,
} from '@secreg/audit'
import { onTestFinished } from 'vitest'

export const DIRECTORY = '/audit'
export const SEGMENT_1 = `${DIRECTORY}/00000001.jsonl`
export const T0: number = Date.UTC(2026, 10, 22, 7, 4, 5, 123)

/** A directory that does not exist yet, removed with its parent after the test. */
export function freshDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'audit-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'audit')
}

/** RFC 6962 leaf hash, written apart from the code under test. */
export function leaf(line: string | Uint8Array): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(line).digest('hex')
}

export function items(count: number, from = 1, revision?: number): LogItem[] {
  return Array.from({ length: count }, (_, index) => ({
    timeMs: T0 + from + index,
    ...(revision === undefined ? {} : { revision }),
    body: JSON.stringify({ n: from + index, path: `/system/${from + index}` }),
  }))
}

export interface ManualClock extends LogClock {
  /** Move on, and run what is due. */
  advance(ms: number): void
  readonly waiting: number
}

export function manualClock(): ManualClock {
  let now = 0
  const timers = new Set<{ at: number; run: () => void }>()
  return {
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      now += ms
      for (const timer of [...timers]) {
        if (timer.at <= now && timers.delete(timer)) timer.run()
      }
    },
    get waiting() {
      return timers.size
    },
  }
}

/** A small log in memory, without timers of its own. */
export function openSmall(
  files: NonNullable<OpenLogOptions['files']>,
  options: Partial<OpenLogOptions> = {},
): Promise<AuditLog> {
  return openLog({
    directory: DIRECTORY,
    files,
    reserveBytes: 4096,
    repairIntervalMs: 1,
    clock: manualClock(),
    ...options,
  })
}

export async function collect(log: AuditLog, filter: QueryFilter = {}): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const record of log.query(filter)) records.push(record)
  return records
}

/** Numbers in `body.n` of all records, oldest first. */
export async function numbers(log: AuditLog): Promise<number[]> {
  const records = await collect(log, { limit: Number.POSITIVE_INFINITY })
  return records.map(({ body }) => (body as { n: number }).n).reverse()
}

export function range(count: number, from = 1): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

/** Lines with their newlines. */
export function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start) + 1 || bytes.length
    lines.push(bytes.subarray(start, end))
    start = end
  }
  return lines
}

/** Deterministic numbers from 0 up to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
