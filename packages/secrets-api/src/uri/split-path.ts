/** The path of a secret URI or prefix, and what comes before it: specs secrets-api §1.3, steps 1 to 3, 6 and 7. */
import { SecretUriError } from '../errors.ts'
import { isSecretSegment, SECRET_URI_LIMITS } from './characters.ts'
import { SECRET_SCHEMES, type SecretPlace, type SecretScheme } from './secret-uri.ts'

/** Longest path of an entry of the registry, bytes (DESIGN §4), its leading slash included. */
const REGISTRY_PATH_BYTES = 512

/**
 * Take a text apart at its scheme.
 *
 * @returns the scheme and all behind `://`
 * @throws SecretUriError `ILLEGAL_SEGMENT`, `UNSUPPORTED_ENGINE`
 */
export function splitScheme(text: string): { scheme: SecretScheme; rest: string } {
  // Before anything else looks at it: whatever follows takes time that the length bounds.
  if (text.length > SECRET_URI_LIMITS.uri) throw new SecretUriError('ILLEGAL_SEGMENT')
  const trimmed = trim(text)
  for (let at = 0; at < trimmed.length; at++) {
    const code = trimmed.charCodeAt(at)
    // Nothing is escaped, so no secret has two spellings; a percent sign is what is left of an escape.
    if (code < 0x20 || code > 0x7e || code === 0x5c || code === 0x25) {
      throw new SecretUriError('ILLEGAL_SEGMENT')
    }
  }
  const end = trimmed.indexOf('://')
  if (end < 1) throw new SecretUriError('ILLEGAL_SEGMENT')
  const scheme = trimmed.slice(0, end).toLowerCase()
  if (!Object.hasOwn(SECRET_SCHEMES, scheme)) throw new SecretUriError('UNSUPPORTED_ENGINE')
  return { scheme: scheme as SecretScheme, rest: trimmed.slice(end + 3) }
}

/** Without the spaces and tabs around it. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (start < end && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** With each run of slashes as one, and without one at the end. */
export function repairPath(path: string): string {
  const collapsed = path.replace(/\/+/g, '/')
  return collapsed.endsWith('/') ? collapsed.slice(0, -1) : collapsed
}

/**
 * Take a path apart.
 *
 * @param least - how many segments there must be, the mount included
 * @throws SecretUriError `ILLEGAL_SEGMENT`, `INVALID_WILDCARD`, `AMBIGUOUS_MOUNT`, `PROVIDER_TRAILING_SLASH_MISMATCH`
 */
export function splitPath(scheme: SecretScheme, path: string, least: number): SecretPlace {
  const names = path.split('/')
  const trailing = names.length > 1 && names.at(-1) === ''
  if (trailing) names.pop()
  if (path.includes('..') || names.includes('')) throw new SecretUriError('ILLEGAL_SEGMENT')
  if (path.includes('*')) throw new SecretUriError('INVALID_WILDCARD')
  if (trailing) throw new SecretUriError('PROVIDER_TRAILING_SLASH_MISMATCH')
  const [mount, ...segments] = names as [string, ...string[]]
  if (/[@:]/.test(mount)) throw new SecretUriError('AMBIGUOUS_MOUNT')
  const tooLong = scheme === 'secreg' && path.length >= REGISTRY_PATH_BYTES
  const { segments: most } = SECRET_URI_LIMITS
  if (tooLong || names.length < least || names.length > most || !names.every(isSecretSegment)) {
    throw new SecretUriError('ILLEGAL_SEGMENT')
  }
  return { mount, segments }
}
