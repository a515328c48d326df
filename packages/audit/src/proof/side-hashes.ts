import { AuditError } from '../errors.ts'
import { ENVELOPE_BYTES } from '../line.ts'
import { HASH_BYTES } from './merkle.ts'

/** No line is shorter than this, its newline included: the envelope, which varies by 60 bytes. */
const LEAST_LINE_BYTES = ENVELOPE_BYTES - 60

/**
 * Reads the leaf hashes beside a segment as far as its lines are read, one for each line. A side
 * file that ends early, or cannot be read, gives no more hashes: it helps, and it proves nothing.
 */
export class SideHashes {
  readonly #chunks: AsyncIterator<Uint8Array>
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #ended = false

  constructor(hashes: AsyncIterable<Uint8Array>) {
    this.#chunks = hashes[Symbol.asyncIterator]()
  }

  /** Have the hashes of all lines ready that may end in the next `bytes` of the segment. */
  async fill(bytes: number): Promise<void> {
    const wanted = (Math.ceil(bytes / LEAST_LINE_BYTES) + 1) * HASH_BYTES
    while (!this.#ended && this.#bytes.length - this.#at < wanted) {
      const chunk = await this.#read()
      if (chunk === undefined) return
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), chunk])
      this.#at = 0
    }
  }

  /** The hash of the next line, a view of 32 bytes; undefined when there is none. */
  next(): Uint8Array | undefined {
    if (this.#at + HASH_BYTES > this.#bytes.length) return undefined
    this.#at += HASH_BYTES
    return this.#bytes.subarray(this.#at - HASH_BYTES, this.#at)
  }

  async close(): Promise<void> {
    this.#ended = true
    await this.#chunks.return?.()
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#chunks.next()
      if (!done) return value
    } catch (error) {
      if (!AuditError.is(error)) throw error
    }
    this.#ended = true
    return undefined
  }
}
