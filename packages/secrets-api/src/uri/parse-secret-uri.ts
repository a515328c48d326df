/** From a text to a secret URI: specs secrets-api §1.3. */
import { SecretUriError } from '../errors.ts'
import { isSecretFragment, SECRET_URI_LIMITS } from './characters.ts'
import { type SecretUri, secretUriOf } from './secret-uri.ts'
import { repairPath, splitPath, splitScheme } from './split-path.ts'

/** Options of {@link parseSecretUri} and of the parser of prefixes. */
export interface ParseSecretUriOptions {
  /**
   * Take runs of slashes as one, and a slash at the end as none (specs: secrets-api §1.4). For development alone.
   * Default false.
   */
  readonly legacy?: boolean
}

/**
 * Accept a secret URI. Whoever uses it then asks the guard whether its mount is one of the tenant's.
 *
 * @param text - at most 2048 bytes of ASCII. Spaces and tabs around it are no part of it, the scheme may have any case,
 *   and parameters may come before the fragment; everything else has one spelling
 * @throws TypeError when it is no text
 * @throws SecretUriError `ERR_SECRETS_API_…` with `ILLEGAL_SEGMENT`, `INVALID_WILDCARD`, `UNSUPPORTED_ENGINE`,
 *   `AMBIGUOUS_MOUNT`, `AMBIGUOUS_QUERY`, `DOUBLE_MOUNT_SOURCE`, `PROVIDER_TRAILING_SLASH_MISMATCH`, and
 *   `VERSION_NOT_ALLOWED` for a version of the YAML provider, which has none
 *
 * @example
 * ```ts
 * parseSecretUri('OpenBao+KV2://secret/app/api?version=3#token').canonical
 * // 'openbao+kv2://secret/app/api#token?version=3'
 * ```
 */
export function parseSecretUri(text: string, options: ParseSecretUriOptions = {}): SecretUri {
  if (typeof text !== 'string') throw new TypeError(`text: expected a string, got ${typeof text}`)
  const { scheme, rest } = splitScheme(text)
  const { path, fragment, params } = splitTail(rest)
  const version = params === undefined ? undefined : versionOf(params)
  const place = splitPath(scheme, options.legacy === true ? repairPath(path) : path, 2)
  if (fragment?.includes('*') === true) throw new SecretUriError('INVALID_WILDCARD')
  if (fragment !== undefined && !isSecretFragment(fragment)) {
    throw new SecretUriError('ILLEGAL_SEGMENT')
  }
  if (scheme === 'yaml' && version !== undefined) throw new SecretUriError('VERSION_NOT_ALLOWED')
  return secretUriOf({ scheme, ...place, fragment, version })
}

interface Tail {
  readonly path: string
  readonly fragment: string | undefined
  readonly params: string | undefined
}

/** Path, fragment and parameters, the latter two in either order. */
function splitTail(rest: string): Tail {
  const hash = rest.indexOf('#')
  const mark = rest.indexOf('?')
  if (hash !== rest.lastIndexOf('#') || mark !== rest.lastIndexOf('?')) {
    throw new SecretUriError('ILLEGAL_SEGMENT')
  }
  const partFrom = (at: number, other: number): string | undefined =>
    at < 0 ? undefined : rest.slice(at + 1, other > at ? other : rest.length)
  const fragment = partFrom(hash, mark)
  const params = partFrom(mark, hash)
  if (fragment === '') throw new SecretUriError('ILLEGAL_SEGMENT')
  if (params === '') throw new SecretUriError('AMBIGUOUS_QUERY')
  const ends = [hash, mark].filter((at) => at >= 0)
  return { path: rest.slice(0, Math.min(rest.length, ...ends)), fragment, params }
}

/** The version that parameters name, the only one that there is. */
function versionOf(params: string): number {
  const pairs = params.split('&').map((param) => {
    const at = param.indexOf('=')
    return at < 0 ? ([param] as const) : ([param.slice(0, at), param.slice(at + 1)] as const)
  })
  const names = new Set(pairs.map(([name]) => name))
  if (names.size !== pairs.length) throw new SecretUriError('AMBIGUOUS_QUERY')
  if (names.has('mount')) throw new SecretUriError('DOUBLE_MOUNT_SOURCE')
  const [pair] = pairs
  if (pairs.length !== 1 || pair?.[0] !== 'version') throw new SecretUriError('AMBIGUOUS_QUERY')
  const version = parseSecretVersion(pair[1] ?? '')
  if (version === undefined) throw new SecretUriError('AMBIGUOUS_QUERY')
  return version
}

/** The number of a version as URIs and queries write it: decimal, 1 to 2^31 − 1; `undefined` for any other text. */
export function parseSecretVersion(text: string): number | undefined {
  if (text.length > 10 || !/^[1-9]\d*$/.test(text)) return undefined
  const version = Number(text)
  return version <= SECRET_URI_LIMITS.version ? version : undefined
}
