/**
 * Resource patterns (DESIGN §7): `*` is any characters, also none, inside one segment; `**`, only as the whole last
 * segment, is one or more segments; `/` alone is the root. Segments follow the rules of canonical paths (DESIGN §4),
 * since a pattern outside of them could never match and is a mistake of its author.
 */

import { parseSecretPattern } from './secret-pattern.ts'
import type { SecretScheme } from './secret-uri.ts'

/** One segment of a pattern. */
export type PatternSegment =
  | { readonly kind: 'literal'; readonly text: string }
  /** `*` alone: any one segment. */
  | { readonly kind: 'any' }
  /** Text with at least one `*` in it. */
  | { readonly kind: 'glob'; readonly text: string }

/** A parsed resource pattern. */
export interface Pattern {
  readonly text: string
  /** Of a pattern of secrets that are kept elsewhere; absent from one of paths. */
  readonly scheme?: SecretScheme
  readonly segments: readonly PatternSegment[]
  /** The pattern ends in `**`: one or more further segments. */
  readonly rest: boolean
}

/** Longest pattern in UTF-8 bytes, as of a canonical path (DESIGN §4). */
export const MAX_PATTERN_BYTES = 512
/** Most segments of a pattern, as of a canonical path (DESIGN §4). */
export const MAX_PATTERN_SEGMENTS = 32

const FORBIDDEN = /[\p{Cc}?[\]|&;$<>\\!"`]/u
const UNPAIRED = /\p{Surrogate}/u

/**
 * Parse a pattern of paths or of secrets that are kept elsewhere, or say in words why the text is not one.
 *
 * @param text the pattern as written in a policy
 */
export function parsePattern(text: string): Pattern | string {
  return text.includes('://') && !text.startsWith('/')
    ? parseSecretPattern(text)
    : parsePathPattern(text)
}

/** Parse a pattern of paths, likewise. */
export function parsePathPattern(text: string): Pattern | string {
  const mistake = mistakeIn(text)
  if (mistake !== undefined) return mistake
  if (text === '/') return { text, segments: [], rest: false }
  const parts = text.slice(1).split('/')
  if (parts.length > MAX_PATTERN_SEGMENTS) return `has more than ${MAX_PATTERN_SEGMENTS} segments`
  const rest = parts.at(-1) === '**'
  if (rest) parts.pop()
  const segments: PatternSegment[] = []
  for (const part of parts) {
    if (part === '') return 'has an empty segment'
    if (part === '.' || part === '..') return 'has a "." or ".." segment'
    if (part.includes('**')) return 'may hold "**" only as its whole last segment'
    if (part === '*') segments.push({ kind: 'any' })
    else segments.push({ kind: part.includes('*') ? 'glob' : 'literal', text: part })
  }
  return { text, segments, rest }
}

function mistakeIn(text: string): string | undefined {
  if (!text.startsWith('/')) return 'must begin with "/"'
  if (utf8Length(text) > MAX_PATTERN_BYTES) return `is longer than ${MAX_PATTERN_BYTES} bytes`
  if (FORBIDDEN.test(text)) return 'has a character that no path can have'
  if (UNPAIRED.test(text)) return 'is not well-formed Unicode'
  if (text.normalize('NFC') !== text) return 'is not in Unicode form NFC'
  return undefined
}

/** Length in bytes of UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    // Half a surrogate pair is two of the four bytes of its character.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/**
 * Tell whether a request's resource can be walked: `/` alone, or non-empty segments that are neither `.` nor `..`.
 * Paths are canonical when they come here; this keeps a forgotten canonicalisation from widening anything.
 */
export function isWalkable(resource: string): boolean {
  if (resource.charCodeAt(0) !== 0x2f) return false
  if (resource.length === 1) return true
  if (resource.charCodeAt(resource.length - 1) === 0x2f || resource.includes('//')) return false
  for (let at = resource.indexOf('/.'); at !== -1; at = resource.indexOf('/.', at + 2)) {
    const dots = resource.charCodeAt(at + 2) === 0x2e ? 2 : 1
    const end = at + 1 + dots
    if (end === resource.length || resource.charCodeAt(end) === 0x2f) return false
  }
  return true
}
