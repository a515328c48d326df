/**
 * One segment for each way in which segments can match some globs: the texts that a search over all paths has to try.
 * The globs are read side by side, character by character, as one deterministic automaton whose states are sets of
 * places in them; each state is reached once, by a shortest text.
 */

import type { Budget } from './budget.ts'
import { matchGlob, parseGlob } from './glob.ts'

/** Most states of one search. Globs can be written so that there are exponentially many. */
const MAX_STATES = 4096

/** Segments to try. */
export interface SegmentClasses {
  readonly segments: readonly string[]
  /** Every way of matching has its segment. */
  readonly complete: boolean
}

/** A place in a glob, or in a text that stands for itself. */
interface Place {
  /** What stands there: a character, `*`, or `''` at the end. */
  readonly unit: string
  readonly literal: boolean
}

/**
 * Find a text for every set of globs that some text matches, all of them and no other.
 *
 * @param globs texts with `*`, without duplicates
 * @param literals texts that have a meaning of their own and so stand for nothing else
 * @param fresh a character that is in none of them
 */
export function segmentClasses(
  globs: readonly string[],
  literals: Iterable<string>,
  fresh: string,
  budget: Budget,
): SegmentClasses {
  const filled = globs.map((text) => text.replaceAll('*', fresh))
  // Of one glob, what is filled with a character that no literal has is all there is to find.
  if (globs.length < 2) return { segments: filled, complete: true }
  const parsed = globs.map(parseGlob)
  const special = [...literals, '.', '..'].filter((text) =>
    parsed.some((glob) => matchGlob(glob, text)),
  )
  const places: Place[] = []
  const start: number[] = []
  for (const text of [...globs, ...special]) {
    start.push(places.length)
    for (const unit of [...text, '']) places.push({ unit, literal: !text.includes('*') })
  }
  const units = new Set(globs.flatMap((text) => [...text]).concat(fresh))
  units.delete('*')
  const found = search(places, start, [...units], budget)
  return found ?? { segments: filled, complete: false }
}

function search(
  places: readonly Place[],
  start: readonly number[],
  units: readonly string[],
  budget: Budget,
): SegmentClasses | undefined {
  const found = new Map<string, string>()
  const seen = new Set<string>()
  let wave: [readonly number[], string][] = [[closed(start, places), '']]
  while (wave.length > 0) {
    const next: typeof wave = []
    for (const [state, text] of wave) {
      for (const unit of units) {
        if (!budget.spend()) return undefined
        const to = closed(advance(state, unit, places), places)
        const key = to.join()
        if (seen.has(key) || to.every((at) => places[at]?.literal === true)) continue
        if (seen.size >= MAX_STATES) return undefined
        seen.add(key)
        next.push([to, text + unit])
        const ends = to.filter((at) => places[at]?.unit === '')
        if (ends.length === 0 || ends.some((at) => places[at]?.literal === true)) continue
        const matched = ends.join()
        if (!found.has(matched)) found.set(matched, text + unit)
      }
    }
    wave = next
  }
  return { segments: [...found.values()], complete: true }
}

function advance(state: readonly number[], unit: string, places: readonly Place[]): number[] {
  return state.flatMap((at) => {
    const stands = places[at]?.unit
    if (stands === '*') return at
    return stands === unit ? at + 1 : []
  })
}

/** With the places behind stars, which may match nothing; ascending and without duplicates. */
function closed(state: readonly number[], places: readonly Place[]): number[] {
  const all = new Set<number>()
  for (const first of state) {
    for (let at = first; !all.has(at); at++) {
      all.add(at)
      if (places[at]?.unit !== '*') break
    }
  }
  return [...all].sort((a, b) => a - b)
}
