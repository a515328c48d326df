/**
 * The three forms of a registry frame. Integers are big-endian, the time is milliseconds since 1970.
 *
 * ```
 * documented bytes     type(1) time(8) n(1) session(n)            payload      SecReg-Linux docs/API.md, "Protocol"
 * length  (canonical)  N(4) | type(1) time(8) n(1) session(n)     payload      N = 10 + n + payload bytes
 * inline               type(1) time(8) n(1) session(n) | m(4) |   payload(m)   SecReg-Linux src, Message
 * naked                the documented bytes; payload is a JSON object, its last brace ends the frame
 * ```
 *
 * Type 0x00 is reserved for ever, and every length is below 2^24, so the first byte of a connection tells `length`
 * (0x00) from the others, and the byte behind the session id tells `inline` (0x00) from `naked` (0x7B).
 */

/** Form of the frames of one connection; one for its whole life. */
export type Framing = 'length' | 'inline' | 'naked'

/** One frame as read. */
export interface Frame {
  /** Message type, 1 to 255. */
  readonly type: number
  /** Sender's clock, milliseconds since 1970, 0 to 2^53 - 1. Never a reason to allow anything. */
  readonly timestampMs: number
  /** Session id, 0 to 255 characters of printable ASCII; empty is none. */
  readonly sessionId: string
  /** The payload's bytes, unchecked. A view of what was pushed, valid until the next push. */
  readonly payload: Uint8Array
}

/** One frame to write. */
export interface FrameInit {
  /** Message type, 1 to 255. */
  readonly type: number
  /** Milliseconds since 1970, an integer from 0 to 2^53 - 1. */
  readonly timestampMs: number
  /** Session id, at most 255 characters of printable ASCII; default none. */
  readonly sessionId?: string | undefined
  /** JSON text (written as UTF-8) or its bytes (copied). */
  readonly payload: string | Uint8Array
}

/** Bytes of type, time and session-id length. */
export const HEADER_BYTES = 10

/** Largest length that a frame can carry: its first byte stays 0x00, which tells the forms apart. */
export const MAX_LENGTH = 0xffffff

/** Largest upper half of a time below 2^53. */
export const MAX_TIME_HIGH = 0x1fffff

/** `{`, the first byte of a naked payload. */
export const OPEN_BRACE = 0x7b

/** Tell whether a value is one of the three forms. */
export function isFraming(value: unknown): value is Framing {
  return value === 'length' || value === 'inline' || value === 'naked'
}

/** Throw a TypeError unless a value is a Uint8Array, of this realm or another. */
export function assertBytes(value: unknown, name: string): asserts value is Uint8Array {
  if (value instanceof Uint8Array) return
  const tag = ArrayBuffer.isView(value)
    ? (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
    : undefined
  if (tag !== 'Uint8Array') throw new TypeError(`${name}: expected a Uint8Array`)
}
