/**
 * Frames out of a stream of bytes: incremental, bounded, without I/O. See framing.ts for the forms.
 *
 * A frame that lies whole in one chunk is a view of it. One that does not is collected in memory that grows with what
 * really arrived, so a length alone reserves nothing. Once `next` has given undefined, the reader keeps no reference
 * to a chunk, so its memory can be filled again.
 */
import { LIMITS, SecregError } from '@secreg/protocol'
import { BraceScanner } from './brace-scanner.ts'
import {
  assertBytes,
  type Frame,
  type Framing,
  HEADER_BYTES,
  isFraming,
  MAX_LENGTH,
  MAX_TIME_HIGH,
  OPEN_BRACE,
} from './framing.ts'
import { TEXT } from './native-text.ts'

/** Options of a FrameReader. */
export interface FrameReaderOptions {
  /** Form that the connection must have; `auto` takes that of its first frame. Default `auto`. */
  readonly framing?: 'auto' | Framing
  /** Documented bytes (type to payload) of one frame, 10 to 2^24 - 1. Default 16 KiB, that of a connection without login. */
  readonly maxFrameBytes?: number
  /** The same for a frame in the naked form, where it applies together with `maxFrameBytes`. Default 64 KiB. */
  readonly maxNakedBytes?: number
}

const EMPTY = new Uint8Array(0)

/** First memory for an unfinished frame: a whole header with a UUID as session id fits. */
const FIRST_BYTES = 64
/** First memory for a naked frame, whose length is not known. */
const FIRST_NAKED_BYTES = 1024
/** Up to here a known length is reserved at once; beyond, memory grows fourfold with what arrives. */
const TRUSTED_BYTES = 64 * 1024

/**
 * Reads the frames of one direction of one connection.
 *
 * @example
 * ```ts
 * const reader = new FrameReader()
 * socket.on('data', (chunk) => {
 *   reader.push(chunk)
 *   for (let frame = reader.next(); frame !== undefined; frame = reader.next()) handle(frame)
 * })
 * ```
 */
export class FrameReader {
  #framing: Framing | undefined
  #maxFrameBytes: number
  readonly #maxNakedBytes: number

  // Input: the chunk that is being read, and those pushed before it was used up.
  #chunk: Uint8Array = EMPTY
  #at = 0
  #queue: Uint8Array[] = []
  #queuedBytes = 0

  // The unfinished frame.
  #held: Uint8Array = EMPTY
  #heldBytes = 0
  /** Bytes from the frame's start that the next step needs. */
  #need = 0
  /** Whether the end is being looked for by the scanner. */
  #scanning = false
  readonly #scanner = new BraceScanner()
  #payloadAt = 0

  // Clients repeat their session id in every frame: comparing is cheaper than a new string.
  #sessionBytes: Uint8Array = EMPTY
  #sessionId = ''

  #failure: SecregError | undefined

  constructor(options: FrameReaderOptions = {}) {
    const framing = options.framing ?? 'auto'
    if (framing !== 'auto' && !isFraming(framing)) {
      throw new TypeError("framing: expected 'auto', 'length', 'inline' or 'naked'")
    }
    this.#framing = framing === 'auto' ? undefined : framing
    this.#maxFrameBytes = checkMaximum(
      options.maxFrameBytes ?? LIMITS.unauthenticatedFrameBytes,
      'maxFrameBytes',
    )
    this.#maxNakedBytes = checkMaximum(
      options.maxNakedBytes ?? LIMITS.nakedFrameBytes,
      'maxNakedBytes',
    )
  }

  /** Form of the connection; undefined until the bytes that tell it have been read. */
  get framing(): Framing | undefined {
    return this.#framing
  }

  /** Largest frame, documented bytes. Setting it applies to every frame whose length has not been read yet. */
  get maxFrameBytes(): number {
    return this.#maxFrameBytes
  }

  set maxFrameBytes(value: number) {
    this.#maxFrameBytes = checkMaximum(value, 'maxFrameBytes')
  }

  /** Bytes that were pushed and not given back in a frame. Bounded by the largest frame and 4 once `next` gave undefined. */
  get bufferedBytes(): number {
    return this.#heldBytes + this.#chunk.length - this.#at + this.#queuedBytes
  }

  /** Whether a frame has begun and not ended. Right once `next` has given undefined. */
  get inFrame(): boolean {
    return this.#heldBytes > 0
  }

  /**
   * Take bytes from the stream; nothing is read from them before `next`. The chunk must not change until `next` has
   * given undefined. After an error the bytes are dropped.
   *
   * @param chunk any number of bytes; not copied
   */
  push(chunk: Uint8Array): void {
    assertBytes(chunk, 'chunk')
    if (this.#failure !== undefined || chunk.length === 0) return
    if (this.#at < this.#chunk.length) {
      this.#queue.push(chunk)
      this.#queuedBytes += chunk.length
    } else {
      this.#chunk = chunk
      this.#at = 0
    }
  }

  /**
   * Give the next whole frame.
   *
   * @returns the frame, or undefined if its end has not been pushed
   * @throws SecregError `ERR_FRAME_MALFORMED`, `ERR_FRAME_TOO_LARGE`; then the same at every further call
   */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure
    for (;;) {
      const frame = this.#heldBytes === 0 ? this.#fromChunk() : this.#fromHeld()
      if (this.#at === this.#chunk.length) this.#nextChunk()
      if (frame !== undefined || this.#at === this.#chunk.length) return frame
    }
  }

  #nextChunk(): void {
    const chunk = this.#queue.shift()
    this.#chunk = chunk ?? EMPTY
    this.#at = 0
    if (chunk !== undefined) this.#queuedBytes -= chunk.length
  }

  /** A frame that begins in the chunk; what is left of the chunk is kept if it does not end there. */
  #fromChunk(): Frame | undefined {
    const chunk = this.#chunk
    const start = this.#at
    if (start === chunk.length) return undefined
    const frame = this.#parse(chunk, start, chunk.length)
    if (frame === undefined) this.#keep(chunk.length)
    return frame
  }

  /** A frame that began in an earlier chunk: take just what its next step needs. */
  #fromHeld(): Frame | undefined {
    if (this.#scanning) return this.#scanChunk()
    const missing = this.#need - this.#heldBytes
    this.#keep(Math.min(this.#at + missing, this.#chunk.length))
    if (this.#heldBytes < this.#need) return undefined
    const frame = this.#parse(this.#held, 0, this.#heldBytes)
    if (frame !== undefined) this.#release()
    return frame
  }

  /** Look for the end of a naked frame in the chunk, from where the last chunk ended. */
  #scanChunk(): Frame | undefined {
    const chunk = this.#chunk
    const limit = this.#nakedLimit()
    const to = Math.min(chunk.length, this.#at + limit - this.#heldBytes)
    const end = this.#scanner.scan(chunk, this.#at, to)
    if (end < 0 && to - this.#at >= limit - this.#heldBytes) this.#refuseSize(limit)
    this.#keep(end < 0 ? to : end)
    if (end < 0) return undefined
    this.#scanning = false
    const frame = this.#frame(this.#held, 0, this.#payloadAt, this.#heldBytes)
    this.#release()
    return frame
  }

  /** Append the chunk up to `to` to the unfinished frame. */
  #keep(to: number): void {
    const chunk = this.#chunk
    const from = this.#at
    const size = this.#heldBytes + to - from
    if (this.#held.length < size) this.#grow(size)
    this.#held.set(
      from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to),
      this.#heldBytes,
    )
    this.#heldBytes = size
    this.#at = to
  }

  #grow(size: number): void {
    const whole = this.#scanning ? this.#nakedLimit() : Math.max(this.#need, FIRST_BYTES)
    const first = this.#scanning ? FIRST_NAKED_BYTES : TRUSTED_BYTES
    const grown = new Uint8Array(
      Math.max(size, Math.min(whole, Math.max(first, 4 * this.#held.length))),
    )
    grown.set(this.#held.subarray(0, this.#heldBytes))
    this.#held = grown
  }

  /** Let go of the collected frame: its memory belongs to the frame that was given. */
  #release(): void {
    this.#held = EMPTY
    this.#heldBytes = 0
    this.#need = 0
  }

  /** Read a frame from `start`; if it does not end before `end`, say in `#need` or `#scanning` how to go on. */
  #parse(bytes: Uint8Array, start: number, end: number): Frame | undefined {
    return bytes[start] === 0
      ? this.#parseLength(bytes, start, end)
      : this.#parseTyped(bytes, start, end)
  }

  #parseLength(bytes: Uint8Array, start: number, end: number): Frame | undefined {
    this.#fix('length')
    if (end - start < 4) return this.#await(4)
    const length = readLength(bytes, start)
    if (length < HEADER_BYTES) {
      return this.#refuse(`frame length: expected at least ${HEADER_BYTES}, got ${length}`)
    }
    if (length > this.#maxFrameBytes) this.#refuseSize(this.#maxFrameBytes)
    const body = start + 4
    // The header is checked before the payload is waited for: a hostile frame costs its sender more than us.
    if (end < body + HEADER_BYTES) return this.#await(4 + HEADER_BYTES)
    const payloadAt = HEADER_BYTES + this.#checkHeader(bytes, body)
    if (payloadAt > length) return this.#refuse('session id: longer than its frame')
    if (end < body + payloadAt) return this.#await(4 + payloadAt)
    this.#readSessionId(bytes, body)
    if (end < body + length) return this.#await(4 + length)
    return this.#frame(bytes, body, payloadAt, body + length)
  }

  #parseTyped(bytes: Uint8Array, start: number, end: number): Frame | undefined {
    if (this.#framing === 'length') return this.#refuseForm()
    const have = end - start
    if (have < HEADER_BYTES) return this.#await(HEADER_BYTES)
    const payloadAt = HEADER_BYTES + this.#checkHeader(bytes, start)
    if (payloadAt > this.#maxFrameBytes) this.#refuseSize(this.#maxFrameBytes)
    if (have <= payloadAt) return this.#await(payloadAt + 1)
    this.#readSessionId(bytes, start)
    const mark = bytes[start + payloadAt]
    if (mark === OPEN_BRACE) return this.#parseNaked(bytes, start, end, payloadAt)
    if (mark !== 0) return this.#refuse('payload: expected its length or an object')
    this.#fix('inline')
    if (have < payloadAt + 4) return this.#await(payloadAt + 4)
    const length = readLength(bytes, start + payloadAt)
    if (payloadAt + length > this.#maxFrameBytes) this.#refuseSize(this.#maxFrameBytes)
    const whole = payloadAt + 4 + length
    if (have < whole) return this.#await(whole)
    return this.#frame(bytes, start, payloadAt + 4, start + whole)
  }

  #parseNaked(bytes: Uint8Array, start: number, end: number, payloadAt: number): Frame | undefined {
    this.#fix('naked')
    const limit = this.#nakedLimit()
    const stop = this.#scanner.scan(bytes, start + payloadAt, Math.min(end, start + limit))
    if (stop >= 0) return this.#frame(bytes, start, payloadAt, stop)
    if (end - start >= limit) this.#refuseSize(limit)
    this.#scanning = true
    this.#payloadAt = payloadAt
    return undefined
  }

  #frame(bytes: Uint8Array, header: number, payloadAt: number, end: number): Frame {
    if (bytes === this.#chunk) this.#at = end
    const from = header + payloadAt
    return {
      type: bytes[header] as number,
      timestampMs: readU32(bytes, header + 1) * 0x1_0000_0000 + readU32(bytes, header + 5),
      sessionId: bytes[header + 9] === 0 ? '' : this.#sessionId,
      // Not subarray: of a Buffer it would give a Buffer, whose slice is a view.
      payload: new Uint8Array(bytes.buffer, bytes.byteOffset + from, end - from),
    }
  }

  /** Check type and time; give the length of the session id. */
  #checkHeader(bytes: Uint8Array, header: number): number {
    if (bytes[header] === 0) this.#refuse('message type: 0 is reserved')
    if (readU32(bytes, header + 1) > MAX_TIME_HIGH) this.#refuse('time: expected below 2^53')
    return bytes[header + 9] as number
  }

  #readSessionId(bytes: Uint8Array, header: number): void {
    const length = bytes[header + 9] as number
    if (length === 0) return
    const start = header + HEADER_BYTES
    const known = this.#sessionBytes
    if (known.length === length) {
      let i = 0
      while (i < length && bytes[start + i] === known[i]) i++
      if (i === length) return
    }
    for (let i = start; i < start + length; i++) {
      const byte = bytes[i] as number
      if (byte < 0x20 || byte > 0x7e) this.#refuse('session id: expected printable ASCII')
    }
    this.#sessionBytes = new Uint8Array(bytes.subarray(start, start + length))
    this.#sessionId = TEXT.ascii(bytes, start, start + length)
  }

  #nakedLimit(): number {
    return Math.min(this.#maxFrameBytes, this.#maxNakedBytes)
  }

  #await(need: number): undefined {
    this.#need = need
  }

  #fix(framing: Framing): void {
    if (this.#framing === undefined) this.#framing = framing
    else if (this.#framing !== framing) this.#refuseForm()
  }

  #refuseForm(): never {
    return this.#refuse(`framing: expected ${this.#framing} as fixed for this connection`)
  }

  #refuse(message: string): never {
    return this.#fail(new SecregError('FRAME_MALFORMED', message))
  }

  #refuseSize(limit: number): never {
    return this.#fail(new SecregError('FRAME_TOO_LARGE', `frame: expected at most ${limit} bytes`))
  }

  #fail(failure: SecregError): never {
    this.#failure = failure
    this.#chunk = EMPTY
    this.#at = 0
    this.#queue = []
    this.#queuedBytes = 0
    this.#release()
    throw failure
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}

/** A length whose first byte is known to be 0. */
function readLength(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  )
}

function checkMaximum(value: number, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`${name}: expected a number`)
  if (!Number.isInteger(value) || value < HEADER_BYTES || value > MAX_LENGTH) {
    throw new RangeError(`${name}: expected an integer from ${HEADER_BYTES} to ${MAX_LENGTH}`)
  }
  return value
}
