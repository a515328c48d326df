/**
 * Making bytes durable that a failed fdatasync may have lost. After one, the kernel can hold pages
 * as clean that never reached the disk, so that a second fdatasync succeeds and proves nothing
 * (fsync(2), EIO; "fsyncgate"). Only writing the same bytes again makes the next one mean something.
 */
import { type ChainFault, ChainWalker } from './chain.ts'
import type { LogCursor } from './cursor.ts'
import { AuditError } from './errors.ts'
import { LineSplitter } from './line-splitter.ts'
import type { LogFile } from './log-files.ts'

const READ_BYTES = 256 * 1024

/** Read `file[from, to)` and write the same bytes again; `visit` sees each chunk and may throw. */
export async function rewrite(
  file: LogFile,
  from: number,
  to: number,
  visit: (chunk: Uint8Array) => void = () => {},
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, to - from)))
  for (let position = from; position < to; ) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, to - position))
    if ((await file.read(chunk, position)) < chunk.length) throw new Error('the segment is shorter')
    visit(chunk)
    if (file.write(chunk, 0, chunk.length, position) < chunk.length) throw new Error('short write')
    position += chunk.length
  }
}

/**
 * Write the lines behind `synced` up to `target`, all in `segment`, once more, and follow the chain
 * from one to the other while doing so.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if they are no longer what was written.
 */
export async function rewriteLines(
  file: LogFile,
  segment: number,
  synced: LogCursor,
  target: LogCursor,
): Promise<void> {
  let at = synced.segment === segment ? synced.offset : 0
  const end = target.segment === segment ? target.offset : 0
  const walker = new ChainWalker(synced)
  const splitter = new LineSplitter()
  await rewrite(file, at, end, (chunk) => {
    splitter.push(chunk, (bytes, from, to) => {
      const offset = at
      at += to + 1 - from
      return walker.line(bytes, from, to, segment, offset)
    })
    if (walker.fault !== undefined) throw faultError(walker.fault)
  })
  if (!walker.finish(segment, at) || walker.hash !== target.hash) {
    const sequence = walker.sequence + 1
    const message = 'unsynced lines cannot be read back'
    throw new AuditError('ERR_AUDIT_TAMPERED', message, { sequence, segment })
  }
}

/** The error for a fault in the chain. */
export function faultError(fault: ChainFault): AuditError {
  const { message, segment, sequence, offset } = fault
  const where = `segment ${segment}, offset ${offset}`
  return new AuditError('ERR_AUDIT_TAMPERED', `${message} (${where})`, { sequence, segment })
}
