/** Primitive types of the Kafka protocol ("Protocol Primitive Types"), and the CRC-32C of its records. */

/** Reads from the front; every length is checked against what is there. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  bytes(length: number): Buffer {
    if (length < 0 || length > this.left) throw new RangeError(`${length} bytes of ${this.left}`)
    const start = this.#at
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }

  int8(): number {
    return this.bytes(1).readInt8()
  }

  int16(): number {
    return this.bytes(2).readInt16BE()
  }

  int32(): number {
    return this.bytes(4).readInt32BE()
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE()
  }

  int64(): bigint {
    return this.bytes(8).readBigInt64BE()
  }

  /** NULLABLE_STRING; STRING is one that is not null. */
  string(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.bytes(length).toString()
  }

  text(): string {
    const text = this.string()
    if (text === null) throw new TypeError('null instead of a text')
    return text
  }

  /** NULLABLE_BYTES. */
  blob(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.bytes(length)
  }

  /** Array; null counts as absent. */
  array<T>(item: () => T): T[] | undefined {
    const length = this.int32()
    if (length < 0) return undefined
    return Array.from({ length: Math.min(length, this.left) }, item)
  }

  /** VARINT and VARLONG, zig-zag; of the latter only what a double holds exactly. */
  varint(): number {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes(1).readUInt8()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number((value >> 1n) ^ -(value & 1n))
    }
    throw new RangeError('a number of more than 10 bytes')
  }

  varblob(): Buffer | null {
    const length = this.varint()
    return length < 0 ? null : this.bytes(length)
  }
}

/** Grows with what is written to it. */
export class ByteWriter {
  readonly #parts: Buffer[] = []

  bytes(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  int8(value: number): this {
    return this.bytes(Buffer.from([value & 0xff]))
  }

  int16(value: number): this {
    const bytes = Buffer.alloc(2)
    bytes.writeInt16BE(value)
    return this.bytes(bytes)
  }

  int32(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return this.bytes(bytes)
  }

  int64(value: bigint): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(value)
    return this.bytes(bytes)
  }

  string(text: string | null): this {
    if (text === null) return this.int16(-1)
    const bytes = Buffer.from(text)
    return this.int16(bytes.length).bytes(bytes)
  }

  blob(bytes: Buffer): this {
    return this.int32(bytes.length).bytes(bytes)
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

const CASTAGNOLI = 0x82f63b78
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? CASTAGNOLI : 0)
  return crc
})

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number)
  return (crc ^ 0xffffffff) >>> 0
}
