/**
 * One line of the log.
 *
 * ```
 * {"seq":N,"time":"2026-11-22T07:04:05.123Z","prev":"<64 hex>","rev":R,"body":{…}}\n
 * ```
 *
 * `prev` is the RFC 6962 §2.1 leaf hash, SHA-256(0x00 ‖ line without its newline), of the line
 * before; 64 zeros for line 1. `rev` is there only where a line belongs to a commit. Everything is
 * checked on bytes: the body is hashed as it stands and never parsed or canonicalised here.
 */
import { hash } from 'node:crypto'

/** `prev` of line 1. */
export const GENESIS_HASH: string = '0'.repeat(64)

/** No line adds more than this to its body: the envelope with two 16-digit numbers, and newline. */
export const ENVELOPE_BYTES = 176

/** Longest line, newline excluded. Bounds what a reader must hold. */
export const MAX_LINE_BYTES: number = 32 * 1024 * 1024

/** What the envelope of one line says. */
export interface LineHead {
  readonly sequence: number
  readonly previous: string
  /** 0 where the line has no `rev`. */
  readonly revision: number
}

/**
 * RFC 6962 leaf hash of `bytes[start, end)` as 64 hex digits. `start` must be at least 1: the byte
 * before the line is overwritten with the 0x00 prefix during the call and then put back, which
 * spares a copy of every line.
 */
export function hashLine(bytes: Uint8Array, start: number, end: number): string {
  const before = bytes[start - 1] as number
  bytes[start - 1] = 0
  const digest = hash('sha256', bytes.subarray(start - 1, end), 'hex')
  bytes[start - 1] = before
  return digest
}

const SEQ = ascii('{"seq":')
const TIME = ascii(',"time":"')
const TIME_FORM = 'dddd-dd-ddTdd:dd:dd.dddZ'
const PREV = ascii('","prev":"')
const REV = ascii('","rev":')
const BODY_AFTER_PREV = ascii('","body":{')
const BODY_AFTER_REV = ascii(',"body":{')
const TIME_BYTES = TIME_FORM.length
const HASH_BYTES = 64
const MAX_DIGITS = 16

/** Read the envelope of the line `bytes[start, end)`, or undefined if it has not exactly the form. */
export function parseLine(bytes: Buffer, start: number, end: number): LineHead | undefined {
  if (!matches(bytes, start, SEQ)) return undefined
  let at = start + SEQ.length
  const sequence = readNumber(bytes, at)
  if (sequence < 1) return undefined
  at += digitsOf(sequence)
  if (!matches(bytes, at, TIME) || !hasTimeForm(bytes, at + TIME.length)) return undefined
  at += TIME.length + TIME_BYTES
  if (!matches(bytes, at, PREV)) return undefined
  at += PREV.length
  if (at + HASH_BYTES > end) return undefined
  const previous = bytes.toString('latin1', at, at + HASH_BYTES)
  if (!isHash(bytes, at)) return undefined
  at += HASH_BYTES
  let revision = 0
  if (matches(bytes, at, REV)) {
    at += REV.length
    revision = readNumber(bytes, at)
    if (revision < 1) return undefined
    at += digitsOf(revision)
    if (!matches(bytes, at, BODY_AFTER_REV)) return undefined
    at += BODY_AFTER_REV.length
  } else {
    if (!matches(bytes, at, BODY_AFTER_PREV)) return undefined
    at += BODY_AFTER_PREV.length
  }
  // The last two bytes close the body and the line.
  if (at > end - 2 || bytes[end - 1] !== 0x7d || bytes[end - 2] !== 0x7d) return undefined
  return { sequence, previous, revision }
}

/** The 24 characters of `time` of a line that {@link parseLine} accepted. */
export function timeOf(bytes: Buffer, start: number, head: LineHead): string {
  const at = start + SEQ.length + digitsOf(head.sequence) + TIME.length
  return bytes.toString('latin1', at, at + TIME_BYTES)
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function matches(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}

/** Decimal number without leading zero, at most 16 digits and 2^53 − 1; −1 if there is none. */
function readNumber(bytes: Uint8Array, at: number): number {
  let value = 0
  let digits = 0
  for (; ; digits++) {
    const digit = (bytes[at + digits] ?? 0) - 0x30
    if (digit < 0 || digit > 9) break
    if (digits === MAX_DIGITS || (digits === 1 && value === 0)) return -1
    value = value * 10 + digit
  }
  return digits === 0 || value > Number.MAX_SAFE_INTEGER ? -1 : value
}

function digitsOf(value: number): number {
  let digits = 1
  for (let rest = value; rest >= 10; rest /= 10) digits++
  return digits
}

function hasTimeForm(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < TIME_BYTES; i++) {
    const expected = TIME_FORM.charCodeAt(i)
    const byte = bytes[at + i] as number
    if (expected === 0x64 ? byte < 0x30 || byte > 0x39 : byte !== expected) return false
  }
  return true
}

function isHash(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < HASH_BYTES; i++) {
    const byte = bytes[at + i] as number
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false
  }
  return true
}
