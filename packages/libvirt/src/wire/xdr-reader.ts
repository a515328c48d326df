/** XDR, read (RFC 4506). Numbers are big-endian; everything is padded to 4 bytes. */
import { LIBVIRT_ERRORS } from './errors.ts'

/** A byte order mark stays. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads values one after another. Each method throws `LibvirtError` code 39 when the bytes end before the value does or
 * the value is longer than allowed; nothing is allocated for what is only announced.
 */
export class XdrReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  /** @param bytes not copied; opaque values are views of it */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  int(): number {
    return this.#view.getInt32(this.#take(4))
  }

  uint(): number {
    return this.#view.getUint32(this.#take(4))
  }

  hyper(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  uhyper(): bigint {
    return this.#view.getBigUint64(this.#take(8))
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  /** Whether a word is not zero: clients exist that write 0x01000000 for true. */
  flag(): boolean {
    return this.uint() !== 0
  }

  /** So many bytes; a view. What the padding is does not matter, as with libvirt. */
  fixed(length: number): Uint8Array {
    const at = this.#take(length + padding(length))
    return this.#bytes.subarray(at, at + length)
  }

  /** At most `most` bytes, with their length before them; a view. */
  opaque(most: number): Uint8Array {
    return this.fixed(this.count(most))
  }

  /**
   * Text of at most `most` bytes. Bytes that are not UTF-8 are refused, and so is NUL, at which a text ends for libvirt.
   */
  string(most: number): string {
    const bytes = this.opaque(most)
    if (bytes.includes(0)) throw LIBVIRT_ERRORS.undecodable()
    try {
      return decoder.decode(bytes)
    } catch {
      throw LIBVIRT_ERRORS.undecodable()
    }
  }

  /** A length or count of at most `most`. */
  count(most: number): number {
    const count = this.uint()
    if (count > most) throw LIBVIRT_ERRORS.undecodable()
    return count
  }

  #take(length: number): number {
    if (length > this.left) throw LIBVIRT_ERRORS.undecodable()
    const at = this.#at
    this.#at += length
    return at
  }
}

/** Bytes of padding after so many bytes. */
export function padding(length: number): number {
  return (4 - (length % 4)) % 4
}
