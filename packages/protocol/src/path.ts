/**
 * Canonical key paths (DESIGN §4): absolute, `/`-separated, NFC, no empty, `.` or `..` segment, no control
 * character, none of the reserved characters, at most 512 bytes of UTF-8 and 32 segments.
 * A text is either canonical or refused: nothing is ever repaired, so policy, store and audit see one string.
 */
import { SecregError } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Characters that no segment may hold, beside control characters and `/`. */
export const RESERVED_CHARACTERS = '*?[]|&;$<>\\!"`'

/** A path that {@link parsePath} has accepted. */
export type Path = `/${string}`

const SLASH = 0x2f
const DOT = 0x2e

/** Per ASCII code: 1 where it may stand in a segment. */
const ASCII_ALLOWED: Uint8Array = new Uint8Array(128).fill(1)
ASCII_ALLOWED.fill(0, 0, 0x20)
ASCII_ALLOWED[0x7f] = 0
ASCII_ALLOWED[SLASH] = 0
for (const character of RESERVED_CHARACTERS) ASCII_ALLOWED[character.charCodeAt(0)] = 0

/** Controls of C1, line and paragraph separators, and lone surrogates. */
const FORBIDDEN_WIDE = /[\u0080-\u009f\u2028\u2029]|\p{Surrogate}/u

const encoder = new TextEncoder()

/** Why a path is refused, or `undefined` when it is canonical. */
function faultOf(text: string): string | undefined {
  const { length } = text
  if (length < 2 || text.charCodeAt(0) !== SLASH) return 'must start with "/" and name a key'
  if (length > LIMITS.pathBytes) return `must not exceed ${LIMITS.pathBytes} bytes`
  let segments = 0
  let start = 1
  let wide = false
  for (let at = 1; at <= length; at++) {
    const code = at === length ? SLASH : text.charCodeAt(at)
    if (code === SLASH) {
      const size = at - start
      if (size === 0) return 'must not have an empty segment or a trailing "/"'
      if (text.charCodeAt(start) === DOT) {
        if (size === 1) return 'must not have a "." segment'
        if (size === 2 && text.charCodeAt(start + 1) === DOT) return 'must not have a ".." segment'
      }
      segments++
      start = at + 1
    } else if (code >= 0x80) wide = true
    else if (ASCII_ALLOWED[code] === 0) return 'holds a reserved or control character'
  }
  if (segments > LIMITS.pathSegments) return `must not exceed ${LIMITS.pathSegments} segments`
  return wide ? wideFaultOf(text) : undefined
}

function wideFaultOf(text: string): string | undefined {
  if (FORBIDDEN_WIDE.test(text)) return 'holds a control character or a lone surrogate'
  if (text.normalize('NFC') !== text) return 'must be in Unicode normalisation form C'
  if (encoder.encode(text).length > LIMITS.pathBytes) {
    return `must not exceed ${LIMITS.pathBytes} bytes`
  }
  return undefined
}

/** Tell whether a text is a canonical path. */
export function isPath(text: string): text is Path {
  return faultOf(text) === undefined
}

/**
 * Accept a canonical path.
 *
 * @param text - what a client sent
 * @returns the same text
 * @throws SecregError `ERR_PATH_INVALID`, naming the rule that it breaks
 *
 * @example
 * ```ts
 * parsePath('/app/web/port') // '/app/web/port'
 * parsePath('/app//port') // throws
 * ```
 */
export function parsePath(text: string): Path {
  const fault = faultOf(text)
  if (fault !== undefined) throw new SecregError('PATH_INVALID', `the key path ${fault}`)
  return text as Path
}

/**
 * Accept a prefix: `/`, or a canonical path with at most one trailing `/`.
 *
 * @returns the prefix without its trailing `/`; the root is the empty string
 * @throws SecregError `ERR_PATH_INVALID`
 */
export function parsePrefix(text: string): Path | '' {
  if (text === '/') return ''
  return parsePath(text.endsWith('/') ? text.slice(0, -1) : text)
}

/** Tell whether `path` is `prefix` itself or below it, by whole segments: `/app` is not above `/app2`. */
export function isAtOrBelow(path: string, prefix: string): boolean {
  return (
    path.startsWith(prefix) &&
    (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH)
  )
}
