/**
 * A random log, tampered with once, is found out at the exact line as far as that
 * can be known; and an untouched one verifies.
 *
 * What is known: the chain of the lines, the roots that are signed (the sizes of checkpoints and of
 * the note of retention in the notes as they are left, and of checkpoints from outside), the leaf
 * hashes beside segments, and lines that are known. The oracle computes what must be found from
 * these sets alone.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChainFault } from '../../src/chain.ts'
import { type LogVerifyResult, verifyLog } from '../../src/proof/index.ts'
import { leaf, seeded } from '../support.ts'
import { chain, MadeLog, signer } from './made-log.ts'

/** Sequence of the fault; or the lines among which it lies; undefined: nothing can be seen. */
type Found = Partial<ChainFault> | undefined

interface Made {
  readonly log: MadeLog
  readonly known: { sequence: number; hash: string }[]
  readonly outside: string[]
  /** Signed sizes that count. */
  readonly marks: number[]
  /** Lines that the log must have by signatures or known lines. */
  readonly least: number
  readonly notes: string
  readonly trusted: number
  /** First line that is not removed. */
  readonly first: number
  readonly retentionKept: boolean
}

const RUNS = process.env['SECREG_SOAK'] === '1' ? 30_000 : 1500
const TIMEOUT_MS = 600_000

function make(seed: number): { made: Made; random: (n: number) => number } {
  const next = seeded(seed)
  const random = (n: number): number => Math.floor(next() * n)
  const counts = Array.from({ length: 1 + random(5) }, () => 1 + random(5))
  const log = new MadeLog(counts)
  const { size } = log
  const handovers = Array.from({ length: random(3) }, () => random(size + 1)).sort((a, b) => a - b)
  const keyAt = (time: number): number => handovers.filter((at) => at < time).length
  const sizes = new Set<number>()
  for (let n = random(size + 1); n > 0; n--) sizes.add(random(size + 1))
  if (random(2)) for (let s = 1; s < counts.length; s++) sizes.add(log.endOf(s))
  if (random(2)) sizes.add(size)
  log.notes.push({ time: -1, note: log.key(0, 0) })
  for (const s of sizes) {
    const by = signer(keyAt(s))
    log.notes.push({ time: s, note: log.checkpoint(s, by) })
  }
  for (const [index, at] of handovers.entries()) {
    log.notes.push({ time: at + 0.5 + index / 10, note: log.key(index + 1, at) })
  }
  const removed = random(3) === 0 ? random(counts.length) : 0
  const named = removed > 0 ? removed + random(counts.length - removed) : 0
  const signedAt = log.endOf(named) + random(size - log.endOf(named) + 1) + 0.9
  if (named > 0) {
    log.remove(removed)
    log.notes.push({ time: signedAt, note: log.retention(named, signer(keyAt(signedAt))) })
  }
  log.notes.sort((a, b) => a.time - b.time)
  for (const segment of log.segments) {
    if (!segment.removed && random(3) === 0) segment.hashes = undefined
  }
  const rolledBack = random(3) === 0
  const until = rolledBack ? random(size + 1) : Number.POSITIVE_INFINITY
  const kept = log.notes.filter(({ time }) => time <= until)
  const retentionKept = named > 0 && signedAt <= until
  const outsideSize = random(3) === 0 ? 1 + random(size) : undefined
  const outsideKey = keyAt(outsideSize ?? 0)
  // A key that the notes do not tell of any more does not count unless it is the trusted one.
  const outsideCounts =
    outsideSize !== undefined &&
    (outsideKey === 0 ||
      (handovers[outsideKey - 1] as number) + 0.5 + (outsideKey - 1) / 10 <= until)
  const marks = [...sizes].filter((s) => s <= until)
  if (retentionKept) marks.push(log.endOf(named))
  if (outsideCounts) marks.push(outsideSize)
  const keys = handovers.filter((at, index) => at + 0.5 + index / 10 <= until)
  const known = random(3) === 0 ? 1 + random(size) : undefined
  const hash = known === undefined ? '' : leaf((log.lines[known - 1] as Buffer).subarray(0, -1))
  return {
    random,
    made: {
      log,
      notes: log.file(kept.map(({ note }) => note)),
      outside: outsideCounts ? [log.checkpoint(outsideSize, signer(outsideKey))] : [],
      known: known === undefined ? [] : [{ sequence: known, hash }],
      marks: marks.sort((a, b) => a - b),
      least: Math.max(0, known ?? 0, ...marks, ...keys),
      trusted: rolledBack ? 0 : random(handovers.length + 1),
      first: log.endOf(removed) + 1,
      retentionKept: named === 0 || retentionKept,
    },
  }
}

function run({ log, notes, known, outside, trusted }: Made): Promise<LogVerifyResult> {
  const keys = [signer(trusted).vkey]
  return verifyLog(log.sources(), { notes, known, outside, keys })
}

/** The last signed size below `line`, and the first one from it on. */
function around({ marks }: Made, line: number): { before: number; after: number | undefined } {
  const before = marks.filter((mark) => mark < line).at(-1) ?? 0
  return { before, after: marks.find((mark) => mark >= line) }
}

/** Whether the lines `from` to `to` all have their hash beside them. */
function haveHashes({ log, first }: Made, from: number, to: number): boolean {
  return log.segments.every(({ hashes }, index) => {
    const [start, end] = [log.endOf(index) + 1, log.endOf(index + 1)]
    return hashes !== undefined || end < Math.max(from, first) || start > to
  })
}

/** Lines that a signed root contradicts, where line `line` and all after it were rewritten. */
function rewritten(made: Made, line: number): Found {
  const { before, after } = around(made, line)
  const known = made.known.find(({ sequence }) => sequence >= line)?.sequence
  if (known !== undefined && (after === undefined || known <= after)) {
    return { kind: 'edited', sequence: known }
  }
  if (after === undefined) return undefined
  return haveHashes(made, line, after)
    ? { kind: 'rewritten', sequence: line, until: line }
    : { kind: 'rewritten', sequence: before + 1, until: after }
}

function segmentOf({ log }: Made, line: number): number {
  return log.counts.findIndex((_, index) => log.endOf(index + 1) >= line)
}

/** Replace the lines that are there; segments keep their borders, the last takes what is more. */
function replaceLines({ log, first }: Made, lines: readonly Buffer[]): void {
  let at = 0
  const present = log.segments.filter(({ removed }) => !removed)
  const border = segmentBorders(log, first)
  for (const [index, segment] of present.entries()) {
    const end = index === present.length - 1 ? lines.length : (border[index] as number)
    segment.lines = lines.slice(at, end)
    at = end
  }
}

function segmentBorders(log: MadeLog, first: number): number[] {
  const ends = log.counts.map((_, index) => log.endOf(index + 1) - first + 1)
  return ends.filter((end) => end > 0)
}

type Tamper = (made: Made, line: number, random: (n: number) => number) => Found

const TAMPERS: Record<string, Tamper> = {
  edit(made, line) {
    const segment = made.log.segments[segmentOf(made, line)] as { lines: Buffer[] }
    segment.lines = segment.lines.map((text) =>
      text.equals(made.log.lines[line - 1] as Buffer)
        ? Buffer.from(text.toString().replace('"n":"line', '"n":"Line'))
        : text,
    )
    // With a line behind it, the chain breaks there. The last line only contradicts what is known.
    return line < made.log.size ? { kind: 'edited', sequence: line } : rewritten(made, line)
  },
  delete(made, line) {
    const present = made.log.lines.slice(made.first - 1)
    replaceLines(made, present.toSpliced(line - made.first, 1))
    if (line < made.log.size) return { kind: 'gap', sequence: line }
    return made.least >= line ? { kind: 'truncated', sequence: line } : undefined
  },
  duplicate(made, line) {
    const present = made.log.lines.slice(made.first - 1)
    const copy = made.log.lines[line - 1] as Buffer
    replaceLines(made, present.toSpliced(line - made.first, 0, copy))
    return { kind: 'inserted', sequence: line }
  },
  insert(made, line) {
    const present = made.log.lines.slice(made.first - 1)
    const before = made.log.lines[line - 1] as Buffer
    const forged = chain(['forged'], leaf(before.subarray(0, -1)), line + 1)
    replaceLines(made, present.toSpliced(line - made.first + 1, 0, ...forged))
    if (line === made.log.size) return undefined
    const known = made.known.some(({ sequence }) => sequence === line + 1)
    return { kind: known ? 'edited' : 'inserted', sequence: line + 1 }
  },
  reorder(made, line, random) {
    const present = made.log.lines.slice(made.first - 1)
    const [moved] = present.splice(line - made.first, 1)
    const room = made.log.size - line
    if (room === 0 || moved === undefined) return undefined
    const by = 1 + random(room)
    present.splice(line - made.first + by, 0, moved)
    replaceLines(made, present)
    return { kind: by === 1 ? 'reordered' : 'gap', sequence: line }
  },
  truncate(made, line) {
    const present = made.log.lines.slice(made.first - 1, line)
    replaceLines(made, present)
    while (made.log.segments.at(-1)?.lines.length === 0) made.log.segments.pop()
    return made.least > line ? { kind: 'truncated', sequence: line + 1 } : undefined
  },
  'tear off'(made, line) {
    const present = made.log.lines.slice(made.first - 1, line)
    const last = present.at(-1) as Buffer
    replaceLines(made, present.with(-1, last.subarray(0, 40)))
    while (made.log.segments.at(-1)?.lines.length === 0) made.log.segments.pop()
    return { kind: 'torn', sequence: line }
  },
  'swap segments'(made, line, random) {
    const { segments, counts } = made.log
    const i = segmentOf(made, line)
    const j = i + 1 + random(counts.length - i - 1)
    const [one, two] = [segments[i], segments[j]]
    if (one === undefined || two === undefined || i === j) return undefined
    segments[i] = two
    segments[j] = one
    return { sequence: made.log.endOf(i) + 1 }
  },
  'put back an older segment'(made, line) {
    const i = segmentOf(made, line)
    const segment = made.log.segments[i] as { lines: Buffer[] }
    segment.lines = segment.lines.slice(0, line - made.log.endOf(i) - 1)
    if (i < made.log.counts.length - 1) return { kind: 'gap', sequence: line }
    return made.least >= line ? { kind: 'truncated', sequence: line } : undefined
  },
  rewrite(made, line) {
    const { log, first } = made
    const before = log.lines.slice(first - 1, line - 1)
    const bodies = Array.from({ length: log.size - line + 1 }, (_, n) => `line ${line + n}`)
    const last = log.lines[line - 2]?.subarray(0, -1)
    const previous = last === undefined ? undefined : leaf(last)
    replaceLines(made, [...before, ...chain(['forged', ...bodies.slice(1)], previous, line)])
    return rewritten(made, line)
  },
}

async function check(made: Made, expected: Found, what: string): Promise<void> {
  const result = await run(made)
  const wanted = made.retentionKept ? expected : { kind: 'retention', sequence: 1 }
  if (wanted === undefined) expect(result.firstFault, what).toBeUndefined()
  else expect(result.firstFault, what).toMatchObject(wanted)
  expect(result.ok).toBe(wanted === undefined)
}

test(
  'an untouched log verifies, after hand-overs, retention and rolled-back notes too',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const { made } = make(seed)
        await check(made, undefined, 'untouched')
        const result = await run(made)
        if (!made.retentionKept) return
        const { log } = made
        expect(result).toMatchObject({ size: log.size, records: log.size - made.first + 1 })
        expect(result.root).toEqual(log.root(log.size))
        expect(result.proven).toBe(Math.max(0, ...made.marks))
        expect(result.tail.sequence).toBe(log.size)
      }),
      { numRuns: RUNS / 5 },
    )
  },
  TIMEOUT_MS,
)

test.each(Object.entries(TAMPERS))(
  '%s: found where it can be',
  async (name, tamper) => {
    const seen = { found: 0, invisible: 0 }
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const { made, random } = make(seed)
        const line = made.first + random(made.log.size - made.first + 1)
        const expected = tamper(made, line, random)
        seen[expected === undefined ? 'invisible' : 'found']++
        await check(made, expected, `${name} of line ${line} of ${made.log.size}`)
      }),
      { numRuns: RUNS / 10 },
    )
    expect(seen.found).toBeGreaterThan(0)
  },
  TIMEOUT_MS,
)
