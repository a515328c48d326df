/** Variables of an environment that name secrets: of `NAME_POINTER=URI`, a program gets `NAME` with the secret. */
import { CliError } from '../errors.ts'

const SUFFIX = '_POINTER'

/** A variable that names a secret. */
export interface Pointer {
  /** Of the variable that the program gets. */
  readonly name: string
  /** Of the variable that there is. */
  readonly variable: string
  readonly uri: string
}

/** An environment, without what is undefined. */
export type Environment = Readonly<Record<string, string>>

/**
 * The pointers of an environment, and the rest of it.
 *
 * @throws CliError `INVALID_ARGUMENT` for one that names nothing, or whose other variable is set too: which of the two
 *   is meant, nobody knows
 */
export function pointersOf(env: Readonly<Record<string, string | undefined>>): {
  readonly pointers: readonly Pointer[]
  readonly rest: Environment
} {
  const pointers: Pointer[] = []
  const rest: Record<string, string> = Object.create(null)
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined) continue
    if (!variable.endsWith(SUFFIX) || variable === SUFFIX) {
      rest[variable] = value
      continue
    }
    const name = variable.slice(0, -SUFFIX.length)
    if (Object.hasOwn(env, name) && env[name] !== undefined) {
      throw new CliError(
        'INVALID_ARGUMENT',
        `${variable}: ${name} is set too`,
        `unset one of them: ${variable} is what ${name} is read from`,
      )
    }
    if (value === '') {
      throw new CliError(
        'INVALID_ARGUMENT',
        `${variable}: it is empty`,
        'name a secret, or unset it',
      )
    }
    pointers.push({ name, variable, uri: value })
  }
  return { pointers, rest }
}
