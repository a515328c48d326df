/** Sizes as a person writes them: `1000`, `64K`, `100M`, `2G`, `1T`, in steps of 1024. */
import { CliError } from './errors.ts'

const FORM = /^([1-9]\d{0,15})([KMGT]?)$/i

/**
 * Read a size.
 *
 * @param what - the option that it is of
 * @returns bytes, 1 or more
 * @throws CliError `INVALID_ARGUMENT`
 */
export function parseSize(text: string, what: string): number {
  const [, count, unit = ''] = FORM.exec(text) ?? []
  const bytes = Number(count) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ')
  if (Number.isSafeInteger(bytes)) return bytes
  throw new CliError('INVALID_ARGUMENT', `${what} must be a size`, 'use 1000 64K 100M 2G 1T')
}
