/** Trying again where somebody else was faster. */
import { SecretsApiError } from '../errors.ts'

/** How often a read and the write that rests on it are tried (specs: secrets-api §2.5, E1). */
export const CAS_TRIES = 3

/**
 * Run a read and the write that rests on it, and again while the write finds another state than was read.
 *
 * @throws SecretsApiError `CAS_MISMATCH` after the last try; any other error at once
 */
export async function withCasRetry<T>(
  run: () => Promise<T>,
  tries: number = CAS_TRIES,
): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await run()
    } catch (error) {
      if (left <= 1 || !SecretsApiError.is(error, 'CAS_MISMATCH')) throw error
    }
  }
}
