/** From parts to the one spelling. */
import { SecretUriError } from '../errors.ts'
import { isSecretFragment, isSecretSegment } from './characters.ts'
import { parseSecretUri } from './parse-secret-uri.ts'
import type { SecretUri, SecretUriParts } from './secret-uri.ts'

/**
 * Write a secret URI.
 *
 * @returns its canonical text
 * @throws SecretUriError as {@link parseSecretUri}, also for a part that the text would not show as it is
 *
 * @example
 * ```ts
 * formatSecretUri({ scheme: 'yaml', mount: 'secret', segments: ['env'], fragment: 'MY_API_KEY' })
 * // 'yaml://secret/env#MY_API_KEY'
 * ```
 */
export function formatSecretUri(parts: SecretUriParts): string {
  return makeSecretUri(parts).canonical
}

/** As {@link formatSecretUri}, but the URI itself. */
export function makeSecretUri(parts: SecretUriParts): SecretUri {
  const { scheme, mount, segments, fragment, version } = parts
  // What reads as a separator would move from one part into another.
  const whole = [mount, ...segments].every(isSecretSegment)
  if (!whole || (fragment !== undefined && !isSecretFragment(fragment))) {
    throw new SecretUriError('ILLEGAL_SEGMENT')
  }
  const tail = version === undefined ? '' : `?version=${version}`
  const key = fragment === undefined ? '' : `#${fragment}`
  return parseSecretUri(`${scheme}://${[mount, ...segments].join('/')}${key}${tail}`)
}

/**
 * The same secret without a fragment, without a version, or with others.
 *
 * @throws SecretUriError as {@link formatSecretUri}
 */
export function withParts(
  uri: SecretUri,
  parts: Pick<SecretUriParts, 'fragment' | 'version'>,
): SecretUri {
  return makeSecretUri({ ...uri, ...parts })
}
