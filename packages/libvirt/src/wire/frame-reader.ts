/** Frames out of a stream of bytes, whatever the pieces in which it comes. */
import { LIBVIRT_ERRORS } from './errors.ts'
import { type Frame, type FrameHeader, readHeader } from './frame.ts'
import type { LibvirtError } from './libvirt-error.ts'
import { LIBVIRT_LIMITS } from './limits.ts'

const HEADER = LIBVIRT_LIMITS.headerBytes
const INITIAL_BYTES = 4_096

/**
 * Reads frames. Memory is for bytes that came, never for those that a frame announces: a body grows by doubling, up to
 * its length, and what it outgrows is wiped.
 *
 * What is pushed and not yet taken is held, so that whoever pushes decides how much that can be.
 */
export class FrameReader {
  readonly #chunks: Uint8Array[] = []
  /** Chunks that are used up, at the beginning of the list. */
  #used = 0
  /** Place in the first chunk that is not. */
  #at = 0
  #pending = 0
  readonly #header: Uint8Array = new Uint8Array(HEADER)
  #headerFilled = 0
  #frame: FrameHeader | undefined
  #bodyLength = 0
  #body: Uint8Array = new Uint8Array(0)
  #bodyFilled = 0
  #failure: LibvirtError | undefined
  #maxFrameBytes: number

  /** @param maxFrameBytes longest frame, its length word included; from 28 to 33,554,436, which is the default */
  constructor(maxFrameBytes: number = LIBVIRT_LIMITS.frameBytes) {
    this.#maxFrameBytes = checkMax(maxFrameBytes)
  }

  /** Longest frame, of those of which the first 28 bytes are not yet taken. */
  get maxFrameBytes(): number {
    return this.#maxFrameBytes
  }

  set maxFrameBytes(value: number) {
    this.#maxFrameBytes = checkMax(value)
  }

  /** Bytes that were pushed and are not yet part of a frame that began. */
  get pendingBytes(): number {
    return this.#pending
  }

  /** Memory of the frame that has begun, bytes. */
  get bodyBytes(): number {
    return this.#body.length
  }

  /** Whether the stream, were it to end here, ends between two frames. */
  get isBetweenFrames(): boolean {
    return this.#pending === 0 && this.#headerFilled === 0
  }

  /** Give the bytes that came next. @param chunk kept, not copied, until its frames are taken */
  push(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`chunk: expected a Uint8Array, got ${typeof chunk}`)
    }
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#pending += chunk.length
  }

  /**
   * Take the next frame, if it is whole.
   *
   * @throws LibvirtError 39 when its length is less than 28 or more than the maximum; from then on always
   */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#frame === undefined) {
      this.#headerFilled += this.#fill(this.#header, this.#headerFilled, HEADER)
      // Refuse as soon as the length is known.
      if (this.#headerFilled >= 4) this.#checkLength()
      if (this.#headerFilled < HEADER) return undefined
      this.#frame = readHeader(this.#header)
    }
    this.#fillBody()
    if (this.#bodyFilled < this.#bodyLength) return undefined
    const frame: Frame = { ...this.#frame, body: this.#body }
    this.#reset()
    return frame
  }

  /** Forget what was pushed and wipe what began. The reader can be used again from the beginning of a frame. */
  wipe(): void {
    this.#body.fill(0)
    this.#reset()
    this.#chunks.length = 0
    this.#used = 0
    this.#at = 0
    this.#pending = 0
  }

  #checkLength(): void {
    const length = new DataView(this.#header.buffer).getUint32(0)
    if (length < HEADER || length > this.#maxFrameBytes) {
      this.wipe()
      this.#failure = LIBVIRT_ERRORS.rpc(
        `packet of ${length} bytes, expected ${HEADER} to ${this.#maxFrameBytes}`,
      )
      throw this.#failure
    }
    this.#bodyLength = length - HEADER
  }

  #fillBody(): void {
    while (this.#bodyFilled < this.#bodyLength && this.#pending > 0) {
      if (this.#bodyFilled === this.#body.length) {
        const least = Math.max(
          INITIAL_BYTES,
          this.#body.length * 2,
          this.#bodyFilled + this.#pending,
        )
        const grown = new Uint8Array(Math.min(this.#bodyLength, least))
        grown.set(this.#body)
        this.#body.fill(0)
        this.#body = grown
      }
      this.#bodyFilled += this.#fill(this.#body, this.#bodyFilled, this.#body.length)
    }
  }

  /** Move bytes that are pending into a place; how many. */
  #fill(place: Uint8Array, from: number, to: number): number {
    let at = from
    while (at < to && this.#pending > 0) {
      const chunk = this.#chunks[this.#used] as Uint8Array
      const part = chunk.subarray(this.#at, this.#at + to - at)
      place.set(part, at)
      at += part.length
      this.#at += part.length
      this.#pending -= part.length
      if (this.#at === chunk.length) this.#dropChunk()
    }
    return at - from
  }

  #dropChunk(): void {
    this.#at = 0
    this.#used++
    if (this.#used === this.#chunks.length || this.#used === 1_024) {
      this.#chunks.splice(0, this.#used)
      this.#used = 0
    }
  }

  #reset(): void {
    this.#headerFilled = 0
    this.#frame = undefined
    this.#bodyLength = 0
    this.#body = new Uint8Array(0)
    this.#bodyFilled = 0
  }
}

function checkMax(value: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`maxFrameBytes: expected a number, got ${typeof value}`)
  }
  if (!Number.isInteger(value) || value < HEADER || value > LIBVIRT_LIMITS.frameBytes) {
    throw new RangeError(
      `maxFrameBytes: expected ${HEADER} to ${LIBVIRT_LIMITS.frameBytes}, got ${value}`,
    )
  }
  return value
}
