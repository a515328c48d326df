/** Ids that requests are followed by through logs. */
const CORRELATION_ID = /^[A-Za-z0-9._-]{1,128}$/

/**
 * The id of a request: the one that its sender gave it, if it may be passed on, else a new one.
 *
 * @param newId - a fresh id of 1 to 128 letters, digits, `.`, `_` and `-`, such as a UUID
 */
export function correlationIdOf(said: string | undefined, newId: () => string): string {
  return said !== undefined && CORRELATION_ID.test(said) ? said : newId()
}
