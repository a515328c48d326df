import { MAX_LINE_BYTES } from './line.ts'

/** Called with each whole line `bytes[start, end)`, `start` ≥ 1; false stops. */
export type VisitLine = (bytes: Buffer, start: number, end: number) => boolean

/** Cuts a stream of chunks into lines, in a buffer of its own so that callers' bytes stay as given. */
export class LineSplitter {
  #buffer: Buffer = Buffer.allocUnsafe(64 * 1024)
  /** Unfinished line: `#buffer[1, #end)`. */
  #end = 1

  /** Bytes after the last newline so far. */
  get pending(): number {
    return this.#end - 1
  }

  /** The unfinished line is longer than any line may be. */
  get overflow(): boolean {
    return this.pending > MAX_LINE_BYTES
  }

  /** Feed one chunk. Returns false if `visit` stopped; the splitter must then not be used again. */
  push(chunk: Uint8Array, visit: VisitLine): boolean {
    this.#grow(this.#end + chunk.length)
    const buffer = this.#buffer
    buffer.set(chunk, this.#end)
    const limit = this.#end + chunk.length
    const filled = buffer.subarray(0, limit)
    let start = 1
    let newline = filled.indexOf(0x0a, this.#end)
    while (newline !== -1) {
      if (!visit(buffer, start, newline)) return false
      start = newline + 1
      newline = filled.indexOf(0x0a, start)
    }
    if (start > 1) buffer.copyWithin(1, start, limit)
    this.#end = 1 + limit - start
    return true
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.#buffer.subarray(0, this.#end))
    this.#buffer = larger
  }
}
