import { type ChainFault, ChainWalker, type KnownLine } from './chain.ts'
import { ChainReader, type SegmentSource, type VerifyProgress } from './chain-reader.ts'
import { GENESIS_HASH } from './line.ts'

export type { ChainFault, FaultKind, KnownLine } from './chain.ts'
export type { SegmentSource, VerifyProgress } from './chain-reader.ts'
export { GENESIS_HASH, hashLine, type LineHead, parseLine } from './line.ts'

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

/**
 * Verify a log from line 1: form, numbers and chain of every line. Bytes are hashed as they stand;
 * no JSON is parsed. What it cannot see by itself: a change of the last line, and lines missing at
 * the end; give `known` for those. Never throws for what the bytes hold.
 */
export async function verifySegments(
  segments: AsyncIterable<SegmentSource> | Iterable<SegmentSource>,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const walker = new ChainWalker({ sequence: 0, hash: GENESIS_HASH }, options.known)
  const reader = new ChainReader(walker, options)
  for await (const source of segments) if (!(await reader.read(source))) break
  reader.finish()
  return {
    ok: walker.fault === undefined,
    records: walker.records,
    tail: { sequence: walker.sequence, hash: walker.hash },
    ...(walker.fault === undefined ? {} : { firstFault: walker.fault }),
  }
}
