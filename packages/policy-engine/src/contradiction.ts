/** Allows and denies on the same ground, where it is not plain that one is an exception of the other. */

import type { Budget } from './budget.ts'
import { allowNeverHolds, appliesWherever } from './condition-algebra.ts'
import type { Pattern } from './pattern.ts'
import { patternContains, patternsIntersect } from './pattern-algebra.ts'
import type { Rule } from './rule.ts'
import type { RuleSet } from './rule-set.ts'
import { someIntersecting } from './trie-walk.ts'

/** How a deny that names the same principal and action stands to an allow. */
export interface Contradiction {
  /** `'same'`: it denies all that a pattern of the allow matches. `'crossing'`: neither holds the other. */
  readonly kind: 'same' | 'crossing'
  readonly by: Rule
  readonly principal: string
  readonly pattern: Pattern
  /** Pattern of the deny. */
  readonly other: Pattern
}

/**
 * Find the worst deny that always fires on a part of what an allow allows, for a principal that both name. A deny on
 * less than a pattern of the allow is its exception, and no contradiction; so is one that conditions can lift.
 */
export function contradictionOf(
  allow: Rule,
  rules: RuleSet,
  budget: Budget,
): Contradiction | undefined {
  let crossing: Contradiction | undefined
  for (const principal of allow.principals) {
    for (const pattern of allow.resources) {
      const root = rules.trie(principal, pattern.scheme)
      let same: Contradiction | undefined
      const opposes = (by: Rule): boolean => {
        if (by.effect === 'allow' || (by.actionMask & allow.actionMask) === 0) return false
        if (!budget.spend(by.resources.length) || !appliesWherever(by, allow)) return false
        for (const other of by.resources) {
          const found = { by, principal, pattern, other }
          if (patternContains(other, pattern)) {
            same = { kind: 'same', ...found }
            return true
          }
          if (crossing === undefined && crosses(other, pattern)) {
            crossing = { kind: 'crossing', ...found }
          }
        }
        return false
      }
      if (root !== undefined) someIntersecting(root, pattern, opposes, budget)
      if (same !== undefined) return same
    }
  }
  return crossing
}

function crosses(a: Pattern, b: Pattern): boolean {
  return patternsIntersect(a, b) && !patternContains(b, a)
}

/** Tell whether a deny fires only on requests of which something is unknown: its conditions can never hold. */
export function firesOnlyOnUnknown(rule: Rule): boolean {
  return rule.effect === 'deny' && allowNeverHolds(rule)
}
