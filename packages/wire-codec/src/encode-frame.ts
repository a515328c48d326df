/** Frames into bytes, in one allocation. See framing.ts for the forms. */
import { BraceScanner } from './brace-scanner.ts'
import {
  assertBytes,
  type FrameInit,
  type Framing,
  HEADER_BYTES,
  isFraming,
  MAX_LENGTH,
  OPEN_BRACE,
} from './framing.ts'
import { isWellFormed, TEXT } from './native-text.ts'

/** The empty payload of a naked frame, where nothing cannot be written. */
const EMPTY_OBJECT = '{}'

/**
 * Write one frame.
 *
 * @param framing form of the connection
 * @param frame its parts; together at most 2^24 - 1 bytes. An empty payload in the naked form is written as `{}`,
 *   which means the same
 * @returns fresh bytes that the caller owns (a Buffer under Node)
 * @throws TypeError, RangeError for a part outside its range, and in the naked form for a payload whose end no reader
 *   would find where it is
 *
 * @example
 * ```ts
 * socket.write(encodeFrame('length', { type: 0x40, timestampMs: Date.now(), payload: '{"versions":[1]}' }))
 * ```
 */
export function encodeFrame(framing: Framing, frame: FrameInit): Uint8Array {
  if (!isFraming(framing)) throw new TypeError("framing: expected 'length', 'inline' or 'naked'")
  if (typeof frame !== 'object' || frame === null) throw new TypeError('frame: expected an object')
  const { type, timestampMs, sessionId = '' } = frame
  checkInteger(type, 1, 0xff, 'type')
  checkInteger(timestampMs, 0, Number.MAX_SAFE_INTEGER, 'timestampMs')
  if (typeof sessionId !== 'string') throw new TypeError('sessionId: expected a string')
  if (sessionId.length > 0xff) throw new RangeError('sessionId: expected at most 255 characters')
  let payload = frame.payload
  if (typeof payload !== 'string') assertBytes(payload, 'payload')
  if (framing === 'naked' && payload.length === 0) payload = EMPTY_OBJECT

  const payloadBytes = typeof payload === 'string' ? TEXT.utf8Length(payload) : payload.length
  const body = HEADER_BYTES + sessionId.length + payloadBytes
  if (body > MAX_LENGTH) throw new RangeError(`frame: expected at most ${MAX_LENGTH} bytes`)
  // Text of as many bytes as characters is ASCII; any other may hold half a surrogate pair, which has no bytes.
  if (typeof payload === 'string' && payloadBytes !== payload.length && !isWellFormed(payload)) {
    throw new RangeError('payload: expected text without lone surrogates')
  }

  const bytes = TEXT.allocate(framing === 'naked' ? body : body + 4)
  let at = 0
  if (framing === 'length') at = writeU32(bytes, at, body)
  bytes[at++] = type
  at = writeU32(bytes, at, Math.floor(timestampMs / 0x1_0000_0000))
  at = writeU32(bytes, at, timestampMs % 0x1_0000_0000)
  bytes[at++] = sessionId.length
  for (let i = 0; i < sessionId.length; i++) {
    const unit = sessionId.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e) throw new RangeError('sessionId: expected printable ASCII')
    bytes[at++] = unit
  }
  if (framing === 'inline') at = writeU32(bytes, at, payloadBytes)
  if (typeof payload === 'string') TEXT.write(bytes, at, payload, payloadBytes)
  else bytes.set(payload, at)
  if (framing === 'naked') checkNaked(bytes, at)
  return bytes
}

/** Bytes behind the object would be read as the next frame. */
function checkNaked(bytes: Uint8Array, at: number): void {
  const end =
    bytes[at] === OPEN_BRACE ? new BraceScanner().scan(bytes, at, bytes.length) : undefined
  if (end !== bytes.length) throw new RangeError('payload: expected one JSON object')
}

function checkInteger(value: number, least: number, most: number, name: string): void {
  if (typeof value !== 'number') throw new TypeError(`${name}: expected a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name}: expected an integer from ${least} to ${most}`)
  }
}

function writeU32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  return at + 4
}
