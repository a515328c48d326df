/** Durations as a person writes them: `90s 15m 1h 7d 2w`. */
import { LIMITS } from '@secreg/protocol'
import { CliError } from './errors.ts'

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 7 * 86_400,
}
const FORM = /^(\d{1,9})([smhdw])$/

/** Seconds of a duration, or `undefined` when the text is none. */
export function durationOf(text: string): number | undefined {
  const [, count, unit] = FORM.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (UNIT_SECONDS[unit ?? ''] ?? Number.NaN)
}

/**
 * Read a duration.
 *
 * @param what - the option that it is of
 * @returns seconds; 0 only when just that was given: it means none
 * @throws CliError `INVALID_ARGUMENT`
 */
export function parseDuration(text: string, what: string): number {
  if (text === '0') return 0
  const seconds = durationOf(text)
  if (seconds === undefined || seconds === 0 || seconds > LIMITS.ttlSeconds) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `${what} must be a duration of at most a hundred years`,
      'use 90s 15m 1h 7d 2w',
    )
  }
  return seconds
}
