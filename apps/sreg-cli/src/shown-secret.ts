/** Secrets that are made by the daemon and shown once. */
import { CliError } from './errors.ts'
import { hasControl } from './escape.ts'

/**
 * A token goes to the output as it is.
 *
 * @throws CliError `INTERNAL` when it is missing or could be more than one line
 */
export function assertSecret(secret: string | undefined): asserts secret is string {
  if (secret === undefined || secret === '' || hasControl(secret)) {
    throw new CliError('INTERNAL', 'the daemon gave no token')
  }
}
