/** Names of groups and roles, and the short texts that people write beside names. */
import { isRoleName, LIMITS, ROLES, SecregError } from '@secreg/protocol'

/** Tell whether a value is the name of a group or role: `[a-z][a-z0-9_-]*`, 1 to 32 characters. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && isRoleName(value)
}

/** What a name looks like, for messages. */
export const NAME_FORM = 'of a-z, 0-9, _ and -, starting with a letter, of at most 32 characters'

/** Names in one order, each once. */
export function sortNames(names: readonly string[], what: string): readonly string[] {
  if (!names.every(isName)) throw invalid(`${what}: expected names ${NAME_FORM}`)
  const sorted = [...new Set(names)].sort()
  if (sorted.length > LIMITS.namesPerAccount) {
    throw invalid(`${what}: expected at most ${LIMITS.namesPerAccount}`)
  }
  return Object.freeze(sorted)
}

/** Roles: the built-in ones in the order of `ROLES`, then the others sorted, each once. */
export function sortRoles(roles: readonly string[]): readonly string[] {
  const sorted = sortNames(roles, 'roles')
  const builtIn = ROLES.filter((role) => sorted.includes(role))
  return Object.freeze([...builtIn, ...sorted.filter((role) => !isBuiltInRole(role))])
}

/** Tell whether a role is there without a row. */
export function isBuiltInRole(name: string): boolean {
  return (ROLES as readonly string[]).includes(name)
}

/**
 * Tell whether a value is a text of one line that people wrote: 1 to `maxChars` characters, none of them a control
 * character, a line separator, a change of direction or half a surrogate pair: those forge lines of logs and terminals.
 */
export function isLine(value: unknown, maxChars: number): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= maxChars &&
    !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(value)
  )
}

/**
 * Check a text of one line; an empty one is as good as none.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`
 */
export function checkLine(
  value: string | undefined,
  maxChars: number,
  what: string,
): string | undefined {
  if (value === undefined || value === '') return undefined
  if (!isLine(value, maxChars)) {
    throw invalid(`${what}: expected at most ${maxChars} characters on one line`)
  }
  return value
}

/** An argument that somebody typed wrongly. */
export function invalid(message: string): SecregError {
  return new SecregError('INVALID_ARGUMENT', message)
}
