/** `--shares N --threshold K`: how many shares are made, and how many of them are needed. */
import { LIMITS } from '@secreg/protocol'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'

export interface ShareCounts {
  readonly count: number
  readonly threshold: number
}

/**
 * Read the two, which go together.
 *
 * @returns `undefined` when neither is given
 * @throws CliError `INVALID_ARGUMENT`
 */
export function shareCountsOf(context: Context): ShareCounts | undefined {
  const count = context.whole('shares', 2, LIMITS.shares)
  const threshold = context.whole('threshold', 2, LIMITS.shares)
  if (count === undefined && threshold === undefined) return undefined
  if (count === undefined || threshold === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      '--shares and --threshold go together',
      'for example: --shares 5 --threshold 3',
    )
  }
  if (threshold > count) {
    throw new CliError('INVALID_ARGUMENT', `of ${count} shares, ${threshold} cannot be needed`)
  }
  return { count, threshold }
}

/** Tell what to do with shares that have just been printed. */
export async function noteShares(context: Context, shares: readonly string[]): Promise<void> {
  if (shares.length === 0) return
  await context.note(
    `these ${shares.length} shares are shown once and kept nowhere: give each to somebody else`,
  )
}
