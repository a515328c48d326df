/** Times as a person writes them: `90s 15m 1h 7d 2w` ago, `today`, ISO 8601, seconds or milliseconds since 1970. */
import { durationOf } from './duration.ts'
import { CliError } from './errors.ts'

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/
/** A number below is seconds, from here on milliseconds: 3 March 1973, or the year 5138. */
const FIRST_MILLISECONDS = 100_000_000_000

/**
 * Read a time.
 *
 * @param text - as typed
 * @param now - milliseconds since the epoch
 * @returns milliseconds since the epoch, not below 0
 * @throws CliError `INVALID_ARGUMENT`
 */
export function parseTime(text: string, now: number): number {
  const time = timeOf(text.trim(), now)
  if (time === undefined || !Number.isSafeInteger(time)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `not a time: "${text}"`,
      'use 90s 15m 1h 7d 2w, today, 2026-01-31, 2026-01-31T09:00Z, or seconds since 1970',
    )
  }
  return Math.max(0, time)
}

function timeOf(text: string, now: number): number | undefined {
  const ago = durationOf(text)
  if (ago !== undefined) return now - ago * 1000
  if (text === 'today') return new Date(now).setHours(0, 0, 0, 0)
  if (/^\d{1,15}$/.test(text)) {
    const number = Number(text)
    return number < FIRST_MILLISECONDS ? number * 1000 : number
  }
  return isoOf(text)
}

function isoOf(text: string): number | undefined {
  const match = ISO.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number]
  const ms = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000)
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms))
  // A part out of its range, such as 30 February, would be carried over silently.
  if (
    utc.getUTCMonth() !== month - 1 ||
    utc.getUTCDate() !== day ||
    utc.getUTCHours() !== hour ||
    utc.getUTCMinutes() !== minute ||
    utc.getUTCSeconds() !== second
  ) {
    return undefined
  }
  const zone = match[8]
  if (zone === undefined) return new Date(year, month - 1, day, hour, minute, second, ms).getTime()
  if (zone === 'Z') return utc.getTime()
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  if (hours > 23 || minutes > 59) return undefined
  const offset = (hours * 60 + minutes) * 60_000
  return utc.getTime() - (zone.startsWith('-') ? -offset : offset)
}
