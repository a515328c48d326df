/**
 * Patterns of Vault policies (specs/kv2.md §3): `*` as the last character is a prefix, `+` as a whole segment is any
 * one segment, everything else is literal; and which of several patterns speaks.
 */

import { utf8Length } from '../../pattern.ts'

/** A pattern that was read, without a leading `/`. */
export interface VaultPattern {
  readonly text: string
  /** Ends in `*`. */
  readonly prefix: boolean
  /** The text without the `*` at its end. */
  readonly body: string
  /** Length of the body in UTF-8. */
  readonly bytes: number
  /** The body at its slashes, if a segment is `+`; otherwise `undefined`. */
  readonly segments: readonly string[] | undefined
  /** Where the first `+` segment or the `*` stands; the length of the text if there is none. */
  readonly firstWild: number
  /** Segments that are `+`. */
  readonly plusses: number
}

/** Parse a pattern, or say in words why the text is not one. */
export function parseVaultPattern(text: string): VaultPattern | string {
  const bare = text.startsWith('/') ? text.slice(1) : text
  if (bare === '') return 'is empty'
  if (bare.includes('+*')) return 'has "+*"'
  const prefix = bare.endsWith('*')
  const body = prefix ? bare.slice(0, -1) : bare
  const segments = body.split('/')
  const plusses = segments.filter((segment) => segment === '+').length
  const firstPlus = `/${body}/`.indexOf('/+/')
  return {
    text: bare,
    prefix,
    body,
    bytes: utf8Length(body),
    segments: plusses > 0 ? segments : undefined,
    firstWild: firstPlus === -1 ? body.length : firstPlus,
    plusses,
  }
}

/** Tell whether the pattern is none: it matches its own text only. */
export function isExact({ prefix, segments }: VaultPattern): boolean {
  return !prefix && segments === undefined
}

/** Tell whether a pattern matches a path. @param parts the path at its slashes */
export function matchesPath(
  pattern: VaultPattern,
  path: string,
  parts: readonly string[],
): boolean {
  const { prefix, body, segments } = pattern
  if (segments === undefined) return prefix ? path.startsWith(body) : path === body
  if (prefix ? parts.length < segments.length : parts.length !== segments.length) return false
  const last = segments.length - 1
  return segments.every((segment, at) => {
    const part = parts[at] ?? ''
    // LIST paths end in `/`: their last segment is empty, and it is one.
    if (segment === '+') return true
    return prefix && at === last ? part.startsWith(segment) : part === segment
  })
}

/**
 * Which of two patterns that match one path speaks: above zero for `a`. Later first wildcard; no `*` at the end; fewer
 * `+`; longer; lexicographically larger (specs/kv2.md §3, a to e).
 */
export function comparePriority(a: VaultPattern, b: VaultPattern): number {
  if (a.firstWild !== b.firstWild) return a.firstWild - b.firstWild
  if (a.prefix !== b.prefix) return a.prefix ? -1 : 1
  if (a.plusses !== b.plusses) return b.plusses - a.plusses
  if (a.bytes !== b.bytes) return a.bytes - b.bytes
  return a.body === b.body ? 0 : a.body < b.body ? -1 : 1
}

/** What every path that the pattern matches begins with. */
export function literalHead({ body, segments, firstWild }: VaultPattern): string {
  return segments === undefined ? body : body.slice(0, firstWild)
}
