/**
 * Conditions against each other: what must hold, or cannot hold, because another does. Sound and not complete: where
 * one of these says `true` it is so for every request, where it says `false` it may be so nevertheless. All relations
 * are between conditions of one name, which ask about the same part of a request and so are unknown together; this is
 * what makes them hold for denies as well, which fire on unknown (DESIGN §7).
 */

import { type Condition, FALSE, type Facts, type Operand, TRUE } from './condition.ts'
import type { Effect } from './document.ts'
import { type AddressRange, inRange } from './ip.ts'

/** The conditions of a rule. */
export interface Clauses {
  readonly when: readonly Condition[]
  readonly unless: readonly Condition[]
}

/** A rule that is taken to apply, and what is known of the request besides. What is unknown of it may be anything. */
export interface Given extends Clauses {
  readonly facts?: Facts
}

/** Tell whether `b` holds wherever `a` does (and is not false wherever `a` is unknown). */
export function implies(a: Condition, b: Condition): boolean {
  return a.name === b.name && within(a.operand, b.operand)
}

/** Tell whether `b` is false wherever `a` holds (and does not hold wherever `a` is unknown). */
export function excludes(a: Condition, b: Condition): boolean {
  return a.name === b.name && apart(a.operand, b.operand)
}

/** Tell whether a condition holds for no request at all. It may still be unknown. */
export function neverHolds({ operand }: Condition): boolean {
  return operand.kind === 'window' && operand.from === operand.to
}

/** Tell whether an allow with these conditions never holds. */
export function allowNeverHolds({ when, unless }: Clauses): boolean {
  return when.some(neverHolds) || (unless.length > 0 && allHold(unless, { when, unless }))
}

/**
 * Tell whether a rule applies wherever another does that matches the same request.
 *
 * @param rule an allow or deny
 * @param given an allow, or a deny if `rule` is one
 */
export function appliesWherever(rule: Clauses, given: Given): boolean {
  if (!allHold(rule.when, given)) return false
  if (rule.unless.length === 0) return true
  if (rule.unless.some((asked) => neverHolds(asked) || fails(asked, given))) return true
  // Where the whole `unless` held, that of `given` would hold as well, and `given` not apply.
  return given.unless.length > 0 && allHold(given.unless, { ...given, when: rule.unless })
}

/** Tell whether a rule never applies where an allow does that matches the same request. */
export function neverWith(rule: Clauses & { readonly effect: Effect }, allow: Given): boolean {
  if (rule.when.some((asked) => fails(asked, allow))) return true
  if (rule.unless.length > 0 && allHold(rule.unless, allow)) return true
  // An allow needs its conditions to be true, where a deny also fires on unknown.
  if (rule.effect === 'deny') return false
  return (
    rule.when.some(neverHolds) ||
    (allow.unless.length > 0 && allHold(allow.unless, { ...allow, when: rule.when }))
  )
}

/** Tell whether all these hold wherever `given` applies. */
function allHold(conditions: readonly Condition[], { when, facts }: Given): boolean {
  return conditions.every(
    (asked) =>
      when.some((held) => implies(held, asked)) ||
      (facts !== undefined && asked.evaluate(facts) === TRUE),
  )
}

/** Tell whether a condition is false wherever `given` applies, or unknown where that is unknown. */
function fails(asked: Condition, { when, facts }: Given): boolean {
  if (when.some((held) => excludes(held, asked))) return true
  return facts !== undefined && asked.evaluate(facts) === FALSE
}

function within(a: Operand, b: Operand): boolean {
  if (a.kind === 'flag') return b.kind === 'flag' && a.value === b.value
  if (a.kind === 'texts')
    return b.kind === 'texts' && [...a.values].every((text) => b.values.has(text))
  if (a.kind === 'members') {
    return (
      b.kind === 'members' && [...b.values].every(([key, value]) => a.values.get(key) === value)
    )
  }
  if (a.kind === 'ranges') {
    return (
      b.kind === 'ranges' && a.values.every((one) => b.values.some((range) => holds(range, one)))
    )
  }
  if (b.kind !== 'window' || a.zone !== b.zone) return false
  const outer = spansOf(b)
  return spansOf(a).every(([from, to]) => outer.some((span) => span[0] <= from && to <= span[1]))
}

function apart(a: Operand, b: Operand): boolean {
  if (a.kind === 'flag') return b.kind === 'flag' && a.value !== b.value
  if (a.kind === 'texts') {
    return b.kind === 'texts' && ![...a.values].some((text) => b.values.has(text))
  }
  if (a.kind === 'members') {
    if (b.kind !== 'members') return false
    return [...a.values].some(([key, value]) => (b.values.get(key) ?? value) !== value)
  }
  if (a.kind === 'ranges') {
    if (b.kind !== 'ranges') return false
    return !a.values.some((one) => b.values.some((two) => holds(one, two) || holds(two, one)))
  }
  if (b.kind !== 'window' || a.zone !== b.zone) return false
  const spans = spansOf(b)
  return !spansOf(a).some(([from, to]) => spans.some((span) => from < span[1] && span[0] < to))
}

/** Two ranges share an address only if one holds the other. */
function holds(outer: AddressRange, inner: AddressRange): boolean {
  return outer.bits <= inner.bits && inRange(inner.address, outer)
}

const DAY_MINUTES = 1440

/** A window cut at midnight: none, one or two spans `[from, to)`. */
function spansOf({ from, to }: { from: number; to: number }): (readonly [number, number])[] {
  if (from === to) return []
  return from < to
    ? [[from, to]]
    : [
        [from, DAY_MINUTES],
        [0, to],
      ]
}
