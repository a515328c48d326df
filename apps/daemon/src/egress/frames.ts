/**
 * Messages between the daemon and its egress child: JSON in UTF-8 behind its length, four bytes, big-endian. What is
 * longer than agreed, or no JSON, is no message, and whoever sent it is not listened to any more.
 */

/** The other side does not keep to the form. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const HEAD_BYTES = 4

/**
 * Put a message into a frame.
 *
 * @returns undefined when it is longer than `maxBytes`
 */
export function encodeFrame(message: unknown, maxBytes: number): Buffer | undefined {
  const text = JSON.stringify(message)
  const length = Buffer.byteLength(text)
  if (length > maxBytes) return undefined
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length)
  frame.writeUInt32BE(length)
  frame.write(text, HEAD_BYTES)
  return frame
}

/** Takes bytes as they come; holds no more than one message of `maxBytes` and the chunk that is given. */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Add bytes, and take the messages that are complete by them.
   *
   * @throws FrameError when a length is over the limit, or a message is not JSON
   */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    const messages: unknown[] = []
    for (;;) {
      if (this.#length < HEAD_BYTES) return messages
      const size = this.#head()
      if (size > this.#maxBytes) throw new FrameError('a message is longer than agreed')
      if (this.#length < HEAD_BYTES + size) return messages
      const all = this.#joined()
      messages.push(parse(all.subarray(HEAD_BYTES, HEAD_BYTES + size)))
      const rest = all.subarray(HEAD_BYTES + size)
      this.#chunks = rest.length === 0 ? [] : [rest]
      this.#length = rest.length
    }
  }

  #head(): number {
    const first = this.#chunks[0]
    // Joined only once a message is whole, so that one in many chunks is not copied for each.
    if (first !== undefined && first.length >= HEAD_BYTES) return first.readUInt32BE()
    return this.#joined().readUInt32BE()
  }

  #joined(): Buffer {
    const all =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // Without the cause: what JSON.parse says quotes its input.
    throw new FrameError('a message is not JSON')
  }
}
