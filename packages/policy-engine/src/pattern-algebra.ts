/**
 * Resource patterns against each other, exact and in polynomial time. Both rest on one fact: there are always characters
 * that a pattern does not have. A star filled with such a character can only be matched by another star, so a pattern
 * contains all that another matches if it matches that other with its stars filled so; and, since one filled text lies
 * in a union only by lying in one of its members, the same holds for unions of patterns of as many segments.
 */

import { type Glob, matchGlob, parseGlob } from './glob.ts'
import { type Pattern, type PatternSegment, parsePattern } from './pattern.ts'
import type { SecretScheme } from './secret-uri.ts'

/** A character that no pattern has (DESIGN §4: control characters are in no path), so no literal of one matches it. */
export const FRESH = '\0'

/** What stands for a star in a path that people see. */
const FILL = 'x'

/**
 * Tell whether every resource that `inner` matches is matched by `outer`.
 *
 * @param outer resource pattern, as in a rule
 * @param inner resource pattern, as in a rule
 * @throws TypeError unless both are strings, RangeError for one that is not a pattern
 * @example
 * ```ts
 * contains('/app/**', '/app/*\/public') // true
 * contains('/app/*', '/app/**') // false: `/app/a/b`
 * ```
 */
export function contains(outer: string, inner: string): boolean {
  return patternContains(requirePattern('outer', outer), requirePattern('inner', inner))
}

/**
 * Tell whether some resource is matched by both patterns.
 *
 * @throws TypeError unless both are strings, RangeError for one that is not a pattern
 */
export function intersects(a: string, b: string): boolean {
  return patternsIntersect(requirePattern('a', a), requirePattern('b', b))
}

/**
 * A resource that a pattern matches: its stars filled with `x`. Every pattern matches something.
 *
 * @throws TypeError unless it is a string, RangeError if it is not a pattern
 */
export function witness(pattern: string): string {
  return filled(requirePattern('pattern', pattern), FILL)
}

/** Parse an argument. @throws TypeError unless it is a string, RangeError if it is not a pattern */
export function requirePattern(name: string, text: string): Pattern {
  if (typeof text !== 'string') throw new TypeError(`${name}: expected a string`)
  const pattern = parsePattern(text)
  if (typeof pattern === 'string') throw new RangeError(`${name}: ${pattern}`)
  return pattern
}

/** See {@link contains}. */
export function patternContains(outer: Pattern, inner: Pattern): boolean {
  if (outer.scheme !== inner.scheme) return false
  const wanted = outer.segments.length
  const given = inner.segments.length
  if (outer.rest ? given + (inner.rest ? 1 : 0) <= wanted : inner.rest || given !== wanted) {
    return false
  }
  return outer.segments.every((segment, at) => segmentContains(segment, inner.segments[at]))
}

/** See {@link intersects}. */
export function patternsIntersect(a: Pattern, b: Pattern): boolean {
  if (a.scheme !== b.scheme) return false
  const aLength = a.segments.length
  const bLength = b.segments.length
  if (!a.rest && aLength < bLength + (b.rest ? 1 : 0)) return false
  if (!b.rest && bLength < aLength + (a.rest ? 1 : 0)) return false
  const shared = Math.min(aLength, bLength)
  for (let at = 0; at < shared; at++) {
    if (!segmentsIntersect(a.segments[at], b.segments[at])) return false
  }
  return true
}

/** The segments of a pattern before any `**`, with every star filled. */
export function filledSegments(pattern: Pattern, fill: string): string[] {
  return pattern.segments.map((segment) =>
    segment.kind === 'any' ? fill : segment.text.replaceAll('*', fill),
  )
}

/** The shortest resource of a pattern with every star filled; a fill is never empty, for `.*` must not become `.`. */
export function filled(pattern: Pattern, fill: string): string {
  const segments = [...filledSegments(pattern, fill), ...(pattern.rest ? [fill] : [])]
  return resourceOf(pattern.scheme, segments)
}

/** The resource of segments: a path, or a secret that is kept elsewhere. */
export function resourceOf(scheme: SecretScheme | undefined, segments: readonly string[]): string {
  return `${scheme === undefined ? '' : `${scheme}:/`}/${segments.join('/')}`
}

function segmentContains(outer: PatternSegment, inner: PatternSegment | undefined): boolean {
  // What a `**` of the inner pattern matches here can be anything.
  if (outer.kind === 'any') return true
  if (inner === undefined || inner.kind === 'any') return false
  if (outer.kind === 'literal') return inner.kind === 'literal' && inner.text === outer.text
  return matchGlob(parseGlob(outer.text), inner.text.replaceAll('*', FRESH))
}

/** Tell whether two segments of patterns have a text in common. */
export function segmentsIntersect(
  a: PatternSegment | undefined,
  b: PatternSegment | undefined,
): boolean {
  if (a === undefined || b === undefined || a.kind === 'any' || b.kind === 'any') return true
  if (a.kind === 'literal') {
    return b.kind === 'literal' ? a.text === b.text : matchGlob(parseGlob(b.text), a.text)
  }
  if (b.kind === 'literal') return matchGlob(parseGlob(a.text), b.text)
  return globsIntersect(parseGlob(a.text), parseGlob(b.text))
}

/** Both have a star, where all inner pieces of both find room; so only the ends can disagree. */
function globsIntersect(a: Glob, b: Glob): boolean {
  return (
    (a.head.startsWith(b.head) || b.head.startsWith(a.head)) &&
    (a.tail.endsWith(b.tail) || b.tail.endsWith(a.tail))
  )
}
