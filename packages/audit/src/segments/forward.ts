import { type LineBlock, type LineBytes, unfit } from '../backward.ts'
import { MAX_LINE_BYTES } from '../line.ts'

/** Bytes of lines that make a block of a closed segment. */
export const BLOCK_BYTES: number = 256 * 1024
/** Longest block: one that ends with a line of the greatest length. */
export const MAX_BLOCK_BYTES: number = BLOCK_BYTES + MAX_LINE_BYTES + 1

/** Stands before the lines of a block, so that a line can be hashed in place. */
export const SPARE: Buffer = Buffer.from('\n')

/**
 * The lines of `file[from, end)` in blocks of about `blockBytes`; both ends are where lines meet.
 * Each block is the caller's.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if they cannot be cut apart.
 */
export async function* blocksForward(
  file: LineBytes,
  from: number,
  end: number,
  blockBytes: number = BLOCK_BYTES,
): AsyncGenerator<LineBlock, void, void> {
  let offset = from
  /** Bytes behind the last block, without a newline. */
  let pending: Buffer[] = []
  let pendingBytes = 0
  for (let position = from; position < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(blockBytes, end - position))
    if ((await file.read(chunk, position)) < chunk.length) {
      throw unfit(file, 'became shorter while it was read')
    }
    position += chunk.length
    const cut = chunk.lastIndexOf(0x0a) + 1
    if (cut === 0) {
      pending.push(chunk)
      pendingBytes += chunk.length
      if (pendingBytes > MAX_LINE_BYTES) throw unfit(file, 'has a line that is too long')
      continue
    }
    const bytes = Buffer.concat([SPARE, ...pending, chunk.subarray(0, cut)])
    yield { bytes, offset }
    offset += bytes.length - 1
    pending = cut < chunk.length ? [chunk.subarray(cut)] : []
    pendingBytes = chunk.length - cut
  }
  if (pending.length > 0) throw unfit(file, 'does not end with a line')
}
