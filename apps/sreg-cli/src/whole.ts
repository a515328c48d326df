/** Whole numbers as a person writes them. */
import { CliError } from './errors.ts'

/**
 * Read a whole number.
 *
 * @param what - the option or operand that it is of
 * @throws CliError `INVALID_ARGUMENT`
 */
export function parseWhole(
  text: string,
  what: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const number = /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
  throw new CliError('INVALID_ARGUMENT', `${what} must be a number ${range}`)
}
