/** An import of one secret after another that ends in the middle. */
import { SecregError } from '@secreg/protocol'
import { CliError } from '../errors.ts'
import { hintOf } from '../hints.ts'

/** What to do then. */
export const AGAIN = 'run it again, and it goes on from there'

/**
 * Its failure, which also tells how far it came; one that is a fault of this program stays as it is.
 *
 * @param state - how far, for people
 */
export function brokenOff(error: unknown, state: string): unknown {
  if (!SecregError.is(error)) return error
  const hint = hintOf(error)
  const next = hint === undefined ? AGAIN : `${hint}; then ${AGAIN}`
  return new CliError(error.reason, `${error.message}; ${state}`, next, { cause: error })
}
