/** Prefixes of secret URIs, which are matched by whole segments (specs: secrets-api §1.2). */
import { SecretUriError } from '../errors.ts'
import type { ParseSecretUriOptions } from './parse-secret-uri.ts'
import { SECRET_SCHEMES, type SecretPrefix, type SecretUri } from './secret-uri.ts'
import { repairPath, splitPath, splitScheme } from './split-path.ts'

/**
 * Accept a prefix: `scheme://mount[/segment…][/]`, without fragment and parameters.
 *
 * @param text - a trailing slash means the same as none
 * @throws TypeError when it is no text; SecretUriError as of a secret URI
 */
export function parseSecretPrefix(text: string, options: ParseSecretUriOptions = {}): SecretPrefix {
  if (typeof text !== 'string') throw new TypeError(`text: expected a string, got ${typeof text}`)
  const { scheme, rest } = splitScheme(text)
  const path = options.legacy === true ? repairPath(rest) : rest
  if (/[#?]|\/\//.test(path)) throw new SecretUriError('ILLEGAL_SEGMENT')
  const place = splitPath(scheme, path.endsWith('/') ? path.slice(0, -1) : path, 1)
  return Object.freeze({
    scheme,
    ...SECRET_SCHEMES[scheme],
    mount: place.mount,
    segments: Object.freeze([...place.segments]),
    canonical: `${scheme}://${[place.mount, ...place.segments].join('/')}`,
  })
}

/** Tell whether a secret is at a prefix or below it: `app` is not above `application`. */
export function isUnderPrefix(uri: SecretUri, prefix: SecretPrefix): boolean {
  return (
    uri.scheme === prefix.scheme &&
    uri.mount === prefix.mount &&
    prefix.segments.every((segment, at) => uri.segments[at] === segment)
  )
}
