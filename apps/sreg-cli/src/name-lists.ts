/** Lists in one word of a command line, separated by commas. */
import { isRoleName } from '@secreg/protocol'
import { CliError } from './errors.ts'
import { parseWhole } from './whole.ts'

/** Largest number of a user; the one above stands for none. */
const MAX_UID = 0xffff_fffe

function itemsOf(text: string): string[] {
  const items = text.split(',').map((item) => item.trim())
  return [...new Set(items.filter((item) => item !== ''))]
}

/**
 * Read names of groups or roles; each is kept once.
 *
 * @throws CliError `INVALID_ARGUMENT`
 */
export function parseNames(text: string, what: 'group' | 'role'): string[] {
  const names = itemsOf(text)
  const wrong = names.find((name) => !isRoleName(name))
  if (wrong === undefined) return names
  throw new CliError(
    'INVALID_ARGUMENT',
    `"${wrong}" cannot be the name of a ${what}`,
    'a name is a small letter, then small letters, digits, "-" and "_"; at most 32',
  )
}

/**
 * Read numbers of system users; each is kept once.
 *
 * @throws CliError `INVALID_ARGUMENT`
 */
export function parseUids(text: string, what: string): number[] {
  return itemsOf(text).map((item) => parseWhole(item, what, 0, MAX_UID))
}
