/** XDR, written (RFC 4506). Numbers are big-endian; padding is zero. */
import { LIBVIRT_ERRORS } from './errors.ts'
import { padding } from './xdr-reader.ts'

const INITIAL_BYTES = 256
const encoder = new TextEncoder()

/**
 * Writes values one after another into memory that grows by doubling. What it outgrows is wiped, so that a value is in
 * one place only. What is longer than the protocol allows throws `LibvirtError` code 39.
 */
export class XdrWriter {
  #bytes: Uint8Array
  #view: DataView
  #at = 0

  constructor() {
    this.#bytes = new Uint8Array(INITIAL_BYTES)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Bytes written. */
  get length(): number {
    return this.#at
  }

  /** What was written; a view, the writer's until it writes no more. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  /** @throws RangeError when the number is none of 32 bits, signed */
  int(value: number): void {
    checkInteger('int', value, -0x8000_0000, 0x7fff_ffff)
    const at = this.#room(4)
    this.#view.setInt32(at, value)
  }

  /** @throws RangeError when the number is none of 32 bits, unsigned */
  uint(value: number): void {
    checkInteger('uint', value, 0, 0xffff_ffff)
    const at = this.#room(4)
    this.#view.setUint32(at, value)
  }

  /** @throws RangeError when the number is none of 64 bits, signed */
  hyper(value: bigint): void {
    checkBits('hyper', value, BigInt.asIntN)
    const at = this.#room(8)
    this.#view.setBigInt64(at, value)
  }

  /** @throws RangeError when the number is none of 64 bits, unsigned */
  uhyper(value: bigint): void {
    checkBits('uhyper', value, BigInt.asUintN)
    const at = this.#room(8)
    this.#view.setBigUint64(at, value)
  }

  double(value: number): void {
    if (typeof value !== 'number') throw expected('double', 'a number', value)
    const at = this.#room(8)
    this.#view.setFloat64(at, value)
  }

  flag(value: boolean): void {
    if (typeof value !== 'boolean') throw expected('flag', 'a boolean', value)
    this.uint(value ? 1 : 0)
  }

  /** @throws RangeError when it is not so many bytes */
  fixed(value: Uint8Array, length: number): void {
    if (!(value instanceof Uint8Array)) throw expected('opaque', 'a Uint8Array', value)
    if (value.length !== length) {
      throw new RangeError(`opaque: expected ${length} bytes, got ${value.length}`)
    }
    const at = this.#room(length + padding(length))
    this.#bytes.set(value, at)
  }

  /** At most `most` bytes, with their length before them. */
  opaque(value: Uint8Array, most: number): void {
    if (!(value instanceof Uint8Array)) throw expected('opaque', 'a Uint8Array', value)
    this.count(value.length, most)
    this.fixed(value, value.length)
  }

  /**
   * Text of at most `most` bytes of UTF-8.
   *
   * @throws RangeError when it holds NUL or half of a surrogate pair
   */
  string(value: string, most: number): void {
    if (typeof value !== 'string') throw expected('string', 'a string', value)
    if (value.includes('\0') || /\p{Surrogate}/u.test(value)) {
      throw new RangeError('string: expected well-formed text without NUL')
    }
    if (value.length > most) throw LIBVIRT_ERRORS.unencodable()
    this.opaque(encoder.encode(value), most)
  }

  /** A length or count of at most `most`. */
  count(value: number, most: number): void {
    if (value > most) throw LIBVIRT_ERRORS.unencodable()
    this.uint(value)
  }

  /** Write the number of bytes at the place of a word that is written already. */
  setLength(at: number): void {
    this.#view.setUint32(at, this.#at)
  }

  /** Wipe what was written; nothing can be written afterwards that matters. */
  wipe(): void {
    this.#bytes.fill(0)
  }

  /** Place for so many bytes, all zero. Memory is another afterwards: look it up only then. */
  #room(length: number): number {
    const at = this.#at
    const end = at + length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      grown.set(this.bytes())
      this.#bytes.fill(0)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#at = end
    return at
  }
}

function checkInteger(what: string, value: number, least: number, most: number): void {
  if (typeof value !== 'number') throw expected(what, 'a number', value)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${what}: expected a whole number from ${least} to ${most}, got ${value}`)
  }
}

function checkBits(
  what: string,
  value: bigint,
  wrap: (bits: number, value: bigint) => bigint,
): void {
  if (typeof value !== 'bigint') throw expected(what, 'a bigint', value)
  if (wrap(64, value) !== value) throw new RangeError(`${what}: expected 64 bits, got ${value}`)
}

function expected(what: string, type: string, value: unknown): TypeError {
  return new TypeError(`${what}: expected ${type}, got ${value === null ? 'null' : typeof value}`)
}
