/** Reads LevelDB's little-endian and varint encodings (leveldb util/coding.h) with bounds. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  get at(): number {
    return this.#at
  }

  /** A view into the input. @throws RangeError at the end of the input */
  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('truncated')
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  byte(): number {
    return this.take(1)[0] as number
  }

  uint32(): number {
    const part = this.take(4)
    return new DataView(part.buffer, part.byteOffset, 4).getUint32(0, true)
  }

  /** @throws RangeError above 2^53-1 or over 10 bytes */
  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('number too large')
      if (byte < 0x80) return value
      scale *= 128
    }
    throw new RangeError('varint too long')
  }

  slice(): Uint8Array {
    return this.take(this.varint())
  }
}
