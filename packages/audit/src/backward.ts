import { AuditError } from './errors.ts'
import { MAX_LINE_BYTES } from './line.ts'
import type { LogFile } from './log-files.ts'

/** What lines are read from, by offsets of the lines. */
export interface LineBytes extends Pick<LogFile, 'read'> {
  /** Named by errors where it is known. */
  readonly segment?: number
}

/** Whole lines of a file: `bytes[1, bytes.length)` ends with a newline and starts a line. */
export interface LineBlock {
  /** One spare byte, then the lines, each with its newline. */
  readonly bytes: Buffer
  /** Offset in the file of `bytes[1]`. */
  readonly offset: number
}

const BLOCK_BYTES = 128 * 1024

/**
 * The lines of `file[from, end)` in blocks from the last to the first; both ends are where lines
 * meet.
 * Holds one block, or one line if that is longer.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if they cannot be cut apart.
 */
export async function* blocksBackward(
  file: LineBytes,
  end: number,
  from = 0,
  blockBytes: number = BLOCK_BYTES,
): AsyncGenerator<LineBlock, void, void> {
  let position = end
  let size = blockBytes
  let carry: Buffer = Buffer.alloc(0)
  while (position > from) {
    const start = Math.max(from, position - size)
    const bytes = Buffer.allocUnsafe(1 + position - start + carry.length)
    bytes[0] = 0x0a
    const wanted = position - start
    if ((await file.read(bytes.subarray(1, 1 + wanted), start)) < wanted) {
      throw unfit(file, 'became shorter while it was read')
    }
    bytes.set(carry, 1 + wanted)
    position = start
    // Before the first newline may be the end of a line that starts in the block before.
    const cut = start === from ? 0 : bytes.indexOf(0x0a, 1)
    if (cut === -1 || cut === bytes.length - 1) {
      if (bytes.length > MAX_LINE_BYTES + size) throw unfit(file, 'has a line that is too long')
      carry = bytes.subarray(1)
      // A long line would otherwise be copied once for each block of it.
      size *= 2
      continue
    }
    yield { bytes: cut === 0 ? bytes : bytes.subarray(cut), offset: start + cut }
    carry = bytes.subarray(1, cut + 1)
    size = blockBytes
  }
}

/** The error for lines that cannot be cut apart. */
export function unfit({ segment }: Pick<LineBytes, 'segment'>, how: string): AuditError {
  const which = segment === undefined ? 'a segment' : `segment ${segment}`
  const detail = segment === undefined ? {} : { segment }
  return new AuditError('ERR_AUDIT_TAMPERED', `${which} ${how}`, detail)
}
