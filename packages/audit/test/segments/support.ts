/** Logs in memory, written line by line past the log, so that nothing runs beside what is tested. */
import type { LogCursor, LogItem, LogRecord } from '@secreg/audit'
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import fc from 'fast-check'
import { segmentPath } from '../../src/directory.ts'
import { LineEncoder } from '../../src/line-encoder.ts'
import { Archiver, type ArchiverOptions } from '../../src/segments/archiver.ts'
import type { TermSource } from '../../src/segments/block-summary.ts'
import { DIRECTORY, leaf, manualClock, T0 } from '../support.ts'

export interface WrittenLine extends LogRecord {
  readonly line: string
  readonly hash: string
  readonly segment: number
  /** Offset behind the newline. */
  readonly offset: number
}

export interface WrittenLog {
  readonly files: MemoryFiles
  readonly tail: LogCursor
  readonly lines: readonly WrittenLine[]
}

export const START: LogCursor = {
  segment: 1,
  offset: 0,
  sequence: 0,
  hash: '0'.repeat(64),
  revision: 0,
}

/** One segment for each array of items; all but the last should have some. */
export function writeLog(segments: readonly (readonly LogItem[])[]): WrittenLog {
  const files = createMemoryFiles()
  files.makeDirectory(DIRECTORY)
  const encoder = new LineEncoder()
  const lines: WrittenLine[] = []
  let tail = START
  segments.forEach((items, index) => {
    const segment = index + 1
    encoder.encode(items, tail.sequence, tail.hash)
    const bytes = Buffer.from(encoder.bytes.subarray(1, 1 + encoder.length))
    files.writeFile(segmentPath(DIRECTORY, segment), bytes)
    let offset = 0
    for (const item of items) {
      const line = bytes.toString('utf8', offset, bytes.indexOf(0x0a, offset))
      const { sequence, hash: previous } = tail
      offset += Buffer.byteLength(line) + 1
      const { timeMs, revision } = item
      const known = { sequence: sequence + 1, timeMs, previous, body: JSON.parse(item.body) }
      const place = { line, hash: leaf(line), segment, offset }
      lines.push({ ...known, ...(revision === undefined ? {} : { revision }), ...place })
      const highest = Math.max(tail.revision, revision ?? 0)
      tail = { segment, offset, sequence: sequence + 1, hash: place.hash, revision: highest }
    }
  })
  return { files, tail, lines }
}

/** Bodies name a user and a path. */
export const terms: TermSource = {
  version: 1,
  of(body) {
    const { user, path } = body as { user: string; path: string }
    return [`user:${user}`, `path:${path}`]
  },
}

export function archiverOf(
  { files, tail }: Pick<WrittenLog, 'files' | 'tail'>,
  options: Partial<ArchiverOptions> = {},
): Archiver {
  const clock = manualClock()
  return new Archiver({ files, directory: DIRECTORY, synced: () => tail, terms, clock, ...options })
}

/** `count` items; of a hundred, one is of `rare`. */
export function bodies(count: number, from = 1): LogItem[] {
  return Array.from({ length: count }, (_, index) => {
    const n = from + index
    const user = n % 100 === 0 ? 'rare' : `user${n % 7}`
    return { timeMs: T0 + n * 1000, body: JSON.stringify({ n, user, path: `/p/${n % 13}` }) }
  })
}

/** Any segments, with times that go back, commits and lines of any length. */
export const anySegments: fc.Arbitrary<LogItem[][]> = fc
  .array(
    fc.array(
      fc.record({
        back: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 50 })),
        user: fc.integer({ min: 0, max: 3 }),
        path: fc.integer({ min: 0, max: 20 }),
        commit: fc.boolean(),
        padding: fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 0, max: 100 }) },
          fc.integer({ min: 0, max: 60_000 }),
        ),
      }),
      { minLength: 1, maxLength: 40 },
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((segments) => {
    let n = 0
    let revision = 0
    return segments.map((items) =>
      items.map(({ back, user, path, commit, padding }) => {
        n++
        if (commit) revision++
        const body = { n, user: `u${user}`, path: `/${path}`, padding: 'x'.repeat(padding) }
        const timeMs = T0 + (n - back) * 1000
        return { timeMs, ...(commit ? { revision } : {}), body: JSON.stringify(body) }
      }),
    )
  })

export async function chunksOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}
