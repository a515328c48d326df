/** Patterns of secrets that are kept elsewhere: stars as in patterns of paths, segments as in secret URIs. */

import type { Pattern, PatternSegment } from './pattern.ts'
import {
  MAX_SECRET_CHARS,
  MAX_SECRET_SEGMENT,
  MAX_SECRET_SEGMENTS,
  placeIn,
  SECRET_SCHEMES,
  schemeOf,
} from './secret-uri.ts'

const CHARACTERS = /^[A-Za-z0-9._*-]*$/

/** Parse a pattern that is none of paths, or say in words why the text is not one. */
export function parseSecretPattern(text: string): Pattern | string {
  if (/^secreg:\/\//i.test(text)) return 'is about this registry: write the path of the entry'
  const scheme = schemeOf(text)
  if (scheme === undefined) return `has none of the schemes ${SECRET_SCHEMES.join(', ')}`
  if (text.length > MAX_SECRET_CHARS) return `is longer than ${MAX_SECRET_CHARS} characters`
  const parts = placeIn(scheme, text).slice(1).split('/')
  if (parts.length > MAX_SECRET_SEGMENTS) return `has more than ${MAX_SECRET_SEGMENTS} segments`
  const rest = parts.at(-1) === '**'
  if (rest) parts.pop()
  const segments: PatternSegment[] = []
  for (const part of parts) {
    const segment = segmentOf(part)
    if (typeof segment === 'string') return segment
    segments.push(segment)
  }
  // No mount is a secret: everything of a scheme is everything below any of its mounts.
  if (rest && segments.length === 0) segments.push({ kind: 'any' })
  if (!rest && segments.length < 2) return 'names a mount alone, which is no secret'
  return { text, scheme, segments, rest }
}

function segmentOf(part: string): PatternSegment | string {
  if (part === '') return 'has an empty segment'
  if (part.includes('**')) return 'may hold "**" only as its whole last segment'
  if (!CHARACTERS.test(part)) return 'has a character that no secret URI can have'
  if (part === '.' || part.includes('..')) return 'has a "." segment, or ".." in one'
  if (part.length > MAX_SECRET_SEGMENT) {
    return `has a segment longer than ${MAX_SECRET_SEGMENT} characters`
  }
  if (part === '*') return { kind: 'any' }
  return { kind: part.includes('*') ? 'glob' : 'literal', text: part }
}
