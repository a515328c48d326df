import { ENVELOPE_BYTES, hashLine, MAX_LINE_BYTES } from './line.ts'

/** One record to be logged. */
export interface LogItem {
  /** Milliseconds since 1970, an integer up to the end of the year 9999. */
  readonly timeMs: number
  /** Store revision of the commit that the record belongs to, at least 1. */
  readonly revision?: number
  /** One JSON object as `JSON.stringify` writes it: no newline, no NUL. */
  readonly body: string
}

/** Last instant whose ISO form has a four-digit year. */
const MAX_TIME_MS = 253_402_300_799_999
/** A buffer larger than this is given back after the group. */
const KEPT_BYTES = 1024 * 1024

/**
 * Turns items into lines in one buffer that is reused, so that a group costs one encoding, one
 * hash a line and one write. After {@link encode}, the lines are `bytes[1, 1 + length)`.
 */
export class LineEncoder {
  bytes: Buffer = Buffer.allocUnsafe(64 * 1024)
  length = 0
  /** Leaf hash of the last line encoded. */
  hash = ''
  /** Leaf hashes of the lines encoded, 64 hex digits each; an array of its own each time. */
  leaves: string[] = []
  /** Where the last line starts, counted from the first. */
  lastOffset = 0
  /** Highest revision among the items, or 0. */
  revision = 0
  #timeMs = -1
  #time = ''

  /**
   * Encode `items` as the lines after line `sequence`, whose leaf hash is `previous`.
   * @throws TypeError, RangeError for an item of the wrong shape; nothing is then to be written.
   */
  encode(items: readonly LogItem[], sequence: number, previous: string): void {
    this.#reserve(items)
    const bytes = this.bytes
    let prev = previous
    let next = sequence
    let at = 1
    let start = 1
    let highest = 0
    const leaves: string[] = []
    for (const { timeMs, revision, body } of items) {
      start = at
      next++
      if (timeMs !== this.#timeMs) this.#setTime(timeMs)
      let head = `{"seq":${next},"time":"${this.#time}","prev":"${prev}"`
      if (revision !== undefined) {
        if (!Number.isSafeInteger(revision) || revision < 1) {
          throw new RangeError('revision must be an integer from 1 to 2^53 - 1')
        }
        if (revision > highest) highest = revision
        head += `,"rev":${revision}`
      }
      at += bytes.write(`${head},"body":${body}}\n`, at, 'utf8')
      if (at - start - 1 > MAX_LINE_BYTES) {
        throw new RangeError(`a line has at most ${MAX_LINE_BYTES} bytes, got ${at - start - 1}`)
      }
      prev = hashLine(bytes, start, at - 1)
      leaves.push(prev)
    }
    this.length = at - 1
    this.lastOffset = start - 1
    this.hash = prev
    this.leaves = leaves
    this.revision = highest
  }

  /** Give a large buffer back. */
  trim(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafe(KEPT_BYTES)
  }

  #reserve(items: readonly LogItem[]): void {
    let needed = 1
    for (const { body } of items) {
      assertBody(body)
      // A UTF-16 unit takes at most three bytes of UTF-8.
      needed += ENVELOPE_BYTES + body.length * 3
    }
    if (needed > this.bytes.length) {
      let exact = 1
      for (const { body } of items) exact += ENVELOPE_BYTES + Buffer.byteLength(body)
      if (exact > this.bytes.length) {
        this.bytes = Buffer.allocUnsafe(Math.max(exact, this.bytes.length * 2))
      }
    }
  }

  #setTime(timeMs: number): void {
    if (!Number.isSafeInteger(timeMs) || timeMs < 0 || timeMs > MAX_TIME_MS) {
      throw new RangeError(`timeMs must be an integer from 0 to ${MAX_TIME_MS}`)
    }
    this.#time = new Date(timeMs).toISOString()
    this.#timeMs = timeMs
  }
}

function assertBody(body: unknown): asserts body is string {
  // JSON.stringify escapes every control character, so a body with one was not made by it; a
  // newline would forge a line, and NUL marks blocks that a power loss left unwritten.
  if (
    typeof body !== 'string' ||
    body.charCodeAt(0) !== 0x7b ||
    body.charCodeAt(body.length - 1) !== 0x7d ||
    body.includes('\n') ||
    body.includes('\0')
  ) {
    throw new TypeError('body must be one JSON object as text, without newline or NUL')
  }
}
