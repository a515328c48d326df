/**
 * Paths below `/v1/`: every segment is checked and encoded by itself, and nothing is repaired. The server decodes before it
 * routes, so that `%2F` is a `/` and its mux cleans `..` away: what would be cleaned is refused here.
 */
import { Kv2Error } from './errors.ts'

/** Slash-separated text, or its segments. */
export type Kv2Path = string | readonly string[]

/** Most bytes of an encoded path. */
const MAX_PATH_BYTES = 4096
/** What Go does not print: controls, formats, unassigned, private, separators, also the halves of a pair. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u
/** First segments that are no mounts of secrets. */
const RESERVED: ReadonlySet<string> = new Set(['sys', 'auth', 'identity', 'cubbyhole'])

/**
 * Encode a path of a secret.
 *
 * @param path - without a slash at either end
 * @throws Kv2Error `ERR_KV2_INVALID_PATH`: no segment, an empty one, `.`, `..`, one with a slash or with what does not
 *   print, or all too long; TypeError
 */
export function encodePath(path: Kv2Path): string {
  const encoded = encodeSegments(path, 'path')
  if (encoded === '') throw refused()
  return encoded
}

/**
 * Encode a folder: as {@link encodePath}, but one slash may stand at the end, and the empty text is the root.
 *
 * @returns with a slash at its end, or empty
 */
export function encodeFolder(folder: Kv2Path): string {
  if (typeof folder === 'string' && folder.endsWith('/'))
    return `${encodePath(folder.slice(0, -1))}/`
  const encoded = encodeSegments(folder, 'folder')
  return encoded === '' ? '' : `${encoded}/`
}

/** Encode the name of a mount: as {@link encodePath}, and no mount of the server itself. */
export function encodeMount(mount: Kv2Path, argument = 'mount'): string {
  const encoded = encodeSegments(mount, argument)
  if (encoded === '' || RESERVED.has(encoded.split('/')[0] ?? '')) throw refused()
  return encoded
}

/** @returns empty for no segment */
export function encodeSegments(path: Kv2Path, argument: string): string {
  const segments = typeof path === 'string' ? (path === '' ? [] : path.split('/')) : path
  if (!Array.isArray(segments) || segments.some((segment) => typeof segment !== 'string')) {
    throw new TypeError(`${argument}: expected a string or a list of strings`)
  }
  const encoded = segments.map(encodeSegment).join('/')
  if (encoded.length > MAX_PATH_BYTES) throw refused()
  return encoded
}

function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') throw refused()
  if (segment.length > MAX_PATH_BYTES || segment.includes('/') || UNPRINTABLE.test(segment)) {
    throw refused()
  }
  return encodeURIComponent(segment)
}

function refused(): Kv2Error {
  return new Kv2Error('ERR_KV2_INVALID_PATH')
}
