/** Durations as Go writes them (`time.ParseDuration`, `Duration.String`), whole seconds only. */
import { Refusal } from './refusal.ts'

const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 }

/**
 * Seconds of a field: a number, digits, or text of Go such as `1h30m`, also negative.
 *
 * @throws Refusal 400
 */
export function parseSeconds(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return Math.trunc(value)
  if (typeof value === 'string') {
    if (value === '') return 0
    if (/^-?\d+$/.test(value)) return Number(value)
    const match = /^(-?)((?:\d+(?:\.\d+)?(?:h|ms|m|s))+)$/.exec(value)
    if (match !== null) {
      let seconds = 0
      for (const [, digits, unit] of (match[2] as string).matchAll(/([\d.]+)(h|ms|m|s)/g)) {
        seconds += Number(digits) * (UNIT_SECONDS[unit as string] as number)
      }
      return Math.trunc(match[1] === '-' ? -seconds : seconds)
    }
  }
  throw new Refusal(
    400,
    `Field validation failed: error converting input for field ${JSON.stringify(field)}`,
  )
}

/** As Go prints it: `3h25m19s`, `1m0s`, `0s`, `-1s`. */
export function formatSeconds(total: number): string {
  if (total < 0) return `-${formatSeconds(-total)}`
  const [hours, minutes, seconds] = [
    Math.floor(total / 3600),
    Math.floor(total / 60) % 60,
    total % 60,
  ]
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
