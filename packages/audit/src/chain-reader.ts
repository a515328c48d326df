import type { ChainWalker } from './chain.ts'
import { AuditError } from './errors.ts'
import { LineSplitter } from './line-splitter.ts'
import { Slices } from './slices.ts'

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

/** What goes along with the reading of a segment. */
export interface ReadHooks {
  /** Before the lines of a chunk of so many bytes. */
  readonly chunk?: (bytes: number) => Promise<void>
  /** The walker took a line that fits the one before. False ends the reading. */
  readonly line?: (segment: number, offset: number) => boolean
}

/** Work done between two looks at the clock. */
const PIECE_BYTES = 64 * 1024

/** Takes a walker through the segments of a log, one after another. */
export class ChainReader {
  /** Segment being read, or the last one. */
  segment: number
  /** Byte offset in it behind the last line. */
  at = 0
  readonly #walker: ChainWalker
  readonly #onProgress: ((progress: VerifyProgress) => void) | undefined
  readonly #signal: AbortSignal | undefined
  readonly #slices: Slices = new Slices()
  #total = 0
  #pending = 0

  /** @param after - Segment after which the reading begins. */
  constructor(
    walker: ChainWalker,
    options: {
      readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
      readonly signal?: AbortSignal | undefined
    },
    after = 0,
  ) {
    this.#walker = walker
    this.#onProgress = options.onProgress
    this.#signal = options.signal
    this.segment = after
  }

  /**
   * Read one segment to its end; false once there is a fault. An `ERR_AUDIT_TAMPERED` of the bytes,
   * as of a compressed segment that is damaged, is a fault of the next line; other errors reject.
   */
  async read(source: SegmentSource, hooks: ReadHooks = {}): Promise<boolean> {
    const walker = this.#walker
    const next = walker.sequence + 1
    if (source.segment !== this.segment + 1) {
      walker.finish(this.segment, this.at)
      const what = `should be in segment ${this.segment + 1}, which is missing`
      return walker.fail('missing-segment', next, this.segment + 1, 0, what)
    }
    if (this.#pending > 0) {
      const what = 'is cut off at the end of its segment'
      return walker.fail('malformed', next, this.segment, this.at, what)
    }
    this.segment = source.segment
    this.at = 0
    try {
      return await this.#readLines(source, hooks)
    } catch (error) {
      if (!AuditError.is(error) || error.code !== 'ERR_AUDIT_TAMPERED') throw error
      const what = `cannot be read: ${error.message}`
      return walker.fail('malformed', walker.sequence + 1, this.segment, this.at, what)
    }
  }

  /** Settle what is open when no segment follows. */
  finish(): void {
    const { sequence } = this.#walker
    if (this.#pending > 0) {
      this.#walker.fail('torn', sequence + 1, this.segment, this.at, 'is not complete')
    }
    this.#walker.finish(this.segment, this.at)
  }

  async #readLines({ segment, bytes }: SegmentSource, hooks: ReadHooks): Promise<boolean> {
    const walker = this.#walker
    const splitter = new LineSplitter()
    let holes = false
    const visit = (line: Buffer, start: number, end: number): boolean => {
      const offset = this.at
      this.at += end + 1 - start
      const before = walker.sequence
      if (holes && line.subarray(start, end).includes(0)) {
        return walker.fail('malformed', before + 1, segment, offset, 'has a NUL byte')
      }
      if (!walker.line(line, start, end, segment, offset)) return false
      return walker.sequence === before || (hooks.line?.(segment, offset) ?? true)
    }
    for await (const chunk of bytes) {
      this.#signal?.throwIfAborted()
      await hooks.chunk?.(chunk.length)
      for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
        const piece = chunk.subarray(from, from + PIECE_BYTES)
        // A NUL is in no JSON text; one look at a piece is cheaper than one at each line.
        holes ||= piece.indexOf(0) !== -1
        if (!splitter.push(piece, visit)) return false
        if (splitter.overflow) {
          return walker.fail('malformed', walker.sequence + 1, segment, this.at, 'is too long')
        }
        if (this.#slices.due) await this.#slices.pause()
      }
      this.#total += chunk.length
      this.#onProgress?.({ records: walker.records, segment, bytes: this.#total })
    }
    this.#pending = splitter.pending
    return true
  }
}
