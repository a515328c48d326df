/** Arguments of calls. What is not canonical is refused before anything is sent, as the server would. */
import { SecretUriError } from '../errors.ts'
import { parseSecretUri } from '../uri/parse-secret-uri.ts'
import { parseSecretPrefix } from '../uri/secret-prefix.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { SecretsClientError } from './client-error.ts'
import { integer } from './options.ts'

/** The largest number of a version. */
const MAX_VERSION = 2 ** 31 - 1

/** @throws SecretsClientError with the reason of the URI; TypeError */
export function uriOf(given: string, argument: string): SecretUri {
  return parsed(given, argument, parseSecretUri)
}

/** Canonical. @throws SecretsClientError with the reason of the prefix; TypeError */
export function prefixOf(given: string): string {
  return parsed(given, 'prefix', parseSecretPrefix).canonical
}

function parsed<T>(given: string, argument: string, parse: (text: string) => T): T {
  if (typeof given !== 'string') throw new TypeError(`${argument}: expected a string`)
  try {
    return parse(given)
  } catch (error) {
    if (!(error instanceof SecretUriError)) throw error
    throw new SecretsClientError(error.reason)
  }
}

export function versionOf(version: number, argument: string, least: 0 | 1 = 1): number {
  return integer(version, least, MAX_VERSION, argument)
}

export function versionsOf(versions: readonly number[]): readonly number[] {
  if (!Array.isArray(versions)) throw new TypeError('versions: expected a list')
  return versions.map((version) => versionOf(version, 'versions'))
}

/** Any text, which a query can hold. */
export function textOf(given: string, argument: string): string {
  if (typeof given !== 'string') throw new TypeError(`${argument}: expected a string`)
  // Half of a pair has no UTF-8.
  if (/\p{Surrogate}/u.test(given)) throw new RangeError(`${argument}: expected well-formed text`)
  return given
}

/**
 * A body. Values that JSON does not have are refused: JSON.stringify leaves them out, or makes null of them.
 *
 * @throws TypeError, RangeError which quote nothing of it
 */
export function bodyOf(members: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(members, jsonOnly)
  } catch (error) {
    if (error instanceof RangeError && error.message === FINITE) throw error
    // What the platform says of a circle names its members.
    throw new TypeError('value: expected what JSON can hold')
  }
}

const FINITE = 'value: expected finite numbers'

function jsonOnly(_name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(FINITE)
  }
  if (['undefined', 'function', 'symbol', 'bigint'].includes(typeof value)) {
    throw new TypeError('value: expected what JSON can hold')
  }
  return value
}

/** A query as it is sent: everything escaped, `#` and `+` too (specs: secrets-api §1.1). */
export function queryOf(
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&')
}
