import { MAX_LINE_BYTES } from './line.ts'
import type { LogFile } from './log-files.ts'

/** Whole lines of a file: `bytes[1, bytes.length)` ends with a newline and starts a line. */
export interface LineBlock {
  /** One spare byte, then the lines, each with its newline. */
  readonly bytes: Buffer
  /** Offset in the file of `bytes[1]`. */
  readonly offset: number
}

const BLOCK_BYTES = 128 * 1024

/**
 * The lines of `file[0, end)` in blocks from the last to the first; `end` follows a newline.
 * Holds one block, or one line if that is longer.
 */
export async function* blocksBackward(
  file: LogFile,
  end: number,
  blockBytes: number = BLOCK_BYTES,
): AsyncGenerator<LineBlock, void, void> {
  let position = end
  let size = blockBytes
  let carry: Buffer = Buffer.alloc(0)
  while (position > 0) {
    const from = Math.max(0, position - size)
    const bytes = Buffer.allocUnsafe(1 + position - from + carry.length)
    bytes[0] = 0x0a
    const wanted = position - from
    if ((await file.read(bytes.subarray(1, 1 + wanted), from)) < wanted) {
      throw new RangeError('the segment became shorter while it was read')
    }
    bytes.set(carry, 1 + wanted)
    position = from
    // Before the first newline may be the end of a line that starts in the block before.
    const cut = from === 0 ? 0 : bytes.indexOf(0x0a, 1)
    if (cut === -1 || cut === bytes.length - 1) {
      if (bytes.length > MAX_LINE_BYTES + size) throw new RangeError('a line is too long')
      carry = bytes.subarray(1)
      // A long line would otherwise be copied once for each block of it.
      size *= 2
      continue
    }
    yield { bytes: cut === 0 ? bytes : bytes.subarray(cut), offset: from + cut }
    carry = bytes.subarray(1, cut + 1)
    size = blockBytes
  }
}
