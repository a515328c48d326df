import { hashLine } from '../../line.ts'
import type { ForwardRecord } from '../source.ts'
import { cutText, visibleText } from './visible.ts'

/** More bytes of UTF-8 than a cut text without `about` ever takes. */
export const CUT_TEXT_BYTES = 300
/** Longest value of a parameter, bytes. */
const VALUE_BYTES = 256

/** RFC 6962 leaf hash of a record's line, 64 hex digits. */
export function leafOf(record: ForwardRecord): string {
  const bytes = Buffer.from(` ${record.line}`)
  return hashLine(bytes, 1, bytes.length)
}

/**
 * Text of a message: the record's line, made visible, if that takes at most `maxBytes`. A longer
 * one becomes the object
 *
 * ```
 * {"seq":N,"time":"…","prev":"<64 hex>","rev":R,"leaf":"<64 hex>","cut":BYTES,"about":{…}}
 * ```
 *
 * with the members of the line's envelope, its leaf hash, its length, and of `params` as much as has
 * room in `aboutBytes`. There is no hash of the body: the leaf hash fixes it with everything else.
 * @param maxBytes - At least {@link CUT_TEXT_BYTES} + `aboutBytes`.
 */
export function messageText(
  record: ForwardRecord,
  leaf: string,
  params: Readonly<Record<string, string>>,
  maxBytes: number,
  aboutBytes: number,
): string {
  if (record.line.length <= maxBytes) {
    const line = visibleText(record.line)
    if (Buffer.byteLength(line) <= maxBytes) return line
  }
  const { sequence, timeMs, previous, revision } = record
  const about = fitParams(params, aboutBytes, (name, value) => {
    return Buffer.byteLength(visibleText(JSON.stringify({ [name]: value })))
  })
  const cut = {
    seq: sequence,
    time: timeText(timeMs),
    prev: previous,
    ...(revision === undefined ? {} : { rev: revision }),
    leaf,
    cut: Buffer.byteLength(record.line),
    about: Object.fromEntries(about),
  }
  return visibleText(JSON.stringify(cut))
}

/** ISO 8601 in UTC with milliseconds, or null for what is no time. */
export function timeText(timeMs: number): string | null {
  return Number.isFinite(timeMs) && Math.abs(timeMs) <= 8.64e15
    ? new Date(timeMs).toISOString()
    : null
}

/**
 * Parameters as they have room: values made visible and cut to 256 bytes, and from the first one
 * that would take the sum of `cost` above `maxBytes` on, none.
 */
export function fitParams(
  params: Readonly<Record<string, string>>,
  maxBytes: number,
  cost: (name: string, value: string) => number,
): [name: string, value: string][] {
  const fitting: [string, string][] = []
  let left = maxBytes
  for (const [name, text] of Object.entries(params)) {
    const value = cutText(visibleText(text), VALUE_BYTES)
    left -= cost(name, value)
    if (left < 0) break
    fitting.push([name, value])
  }
  return fitting
}
