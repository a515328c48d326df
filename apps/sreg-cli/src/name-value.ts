/** Options of the form `NAME=VALUE`. */
import { CliError } from './errors.ts'

/**
 * Read pairs; a value may have more of the signs, and may be empty.
 *
 * @param option - name of the option, for messages; these never have a value
 * @throws CliError `INVALID_ARGUMENT` for a text without a name or a name given twice
 */
export function pairsOf(texts: readonly string[], option: string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) {
      throw new CliError('INVALID_ARGUMENT', `option ${option} needs a value: NAME=VALUE`)
    }
    const name = text.slice(0, at)
    if (pairs.has(name)) {
      throw new CliError('INVALID_ARGUMENT', `option ${option} is given twice for one name`)
    }
    pairs.set(name, text.slice(at + 1))
  }
  return pairs
}
