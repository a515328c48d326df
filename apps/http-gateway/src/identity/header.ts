/** One field of a header list as received: names in any case, nothing joined. */
import { SecregError } from '@secreg/protocol'

/**
 * Value of a field that may come once.
 *
 * Two of a name are never joined, and the first or the last is never taken: what stands in front of the gateway may
 * have looked at the other one.
 *
 * @param headers - name, value, name, value, …
 * @param name - in lower case
 * @returns undefined where there is none
 * @throws SecregError INVALID_ARGUMENT when it comes more than once
 */
export function soleHeader(headers: readonly string[], name: string): string | undefined {
  let value: string | undefined
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const found = headers[at] as string
    if (found.length !== name.length || found.toLowerCase() !== name) continue
    if (value !== undefined) {
      throw new SecregError('INVALID_ARGUMENT', `the header ${name} comes more than once`)
    }
    value = headers[at + 1] as string
  }
  return value
}
