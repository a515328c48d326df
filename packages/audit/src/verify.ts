import { type ChainFault, ChainWalker, type KnownLine } from './chain.ts'
import { GENESIS_HASH } from './line.ts'
import { LineSplitter } from './line-splitter.ts'

export type { ChainFault, FaultKind, KnownLine } from './chain.ts'
export { GENESIS_HASH, hashLine, type LineHead, parseLine } from './line.ts'

/** One segment as bytes, in chunks of any size. */
export interface SegmentSource {
  readonly segment: number
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export interface VerifyProgress {
  readonly records: number
  readonly segment: number
  /** Bytes of all segments so far. */
  readonly bytes: number
}

export interface VerifyOptions {
  /** Lines known from elsewhere, such as a cursor. Only these show that the end is the end. */
  readonly known?: readonly KnownLine[]
  /** Called after each chunk. */
  readonly onProgress?: (progress: VerifyProgress) => void
  readonly signal?: AbortSignal
}

export interface VerifyResult {
  readonly ok: boolean
  /** Lines that fit, up to the first fault. */
  readonly records: number
  /** Last of those lines. */
  readonly tail: KnownLine
  readonly firstFault?: ChainFault
}

/** Work done between two looks at the clock. */
const PIECE_BYTES = 64 * 1024
/** Longest stretch on the main thread. */
const SLICE_MS = 4

/**
 * Verify a log from line 1: form, numbers and chain of every line. Bytes are hashed as they stand;
 * no JSON is parsed. What it cannot see by itself: a change of the last line, and lines missing at
 * the end; give `known` for those. Never throws for what the bytes hold.
 */
export async function verifySegments(
  segments: AsyncIterable<SegmentSource> | Iterable<SegmentSource>,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const { known = [], onProgress, signal } = options
  const walker = new ChainWalker({ sequence: 0, hash: GENESIS_HASH }, known)
  let total = 0
  let at = 0
  let current = 0
  let pending = 0
  let sliceStart = performance.now()
  reading: for await (const { segment, bytes } of segments) {
    const next = walker.sequence + 1
    if (segment !== current + 1) {
      walker.finish(current, at)
      const what = `should be in segment ${current + 1}, which is missing`
      walker.fail('missing-segment', next, current + 1, 0, what)
      break
    }
    if (pending > 0) {
      walker.fail('malformed', next, current, at, 'is cut off at the end of its segment')
      break
    }
    const splitter = new LineSplitter()
    let holes = false
    current = segment
    at = 0
    const visit = (line: Buffer, start: number, end: number): boolean => {
      const offset = at
      at += end + 1 - start
      if (holes && line.subarray(start, end).includes(0)) {
        return walker.fail('malformed', walker.sequence + 1, segment, offset, 'has a NUL byte')
      }
      return walker.line(line, start, end, segment, offset)
    }
    for await (const chunk of bytes) {
      signal?.throwIfAborted()
      for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
        const piece = chunk.subarray(from, from + PIECE_BYTES)
        // A NUL is in no JSON text; one look at a piece is cheaper than one at each line.
        holes ||= piece.indexOf(0) !== -1
        if (!splitter.push(piece, visit)) break reading
        if (splitter.overflow) {
          walker.fail('malformed', walker.sequence + 1, segment, at, 'is too long')
          break reading
        }
        if (performance.now() - sliceStart >= SLICE_MS) {
          await new Promise((resolve) => setImmediate(resolve))
          sliceStart = performance.now()
        }
      }
      total += chunk.length
      onProgress?.({ records: walker.records, segment, bytes: total })
    }
    pending = splitter.pending
  }
  if (pending > 0) walker.fail('torn', walker.sequence + 1, current, at, 'is not complete')
  walker.finish(current, at)
  return {
    ok: walker.fault === undefined,
    records: walker.records,
    tail: { sequence: walker.sequence, hash: walker.hash },
    ...(walker.fault === undefined ? {} : { firstFault: walker.fault }),
  }
}
