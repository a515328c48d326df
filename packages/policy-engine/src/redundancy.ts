/** Rules that can be taken away without changing a decision. Every claim is certain; not every such rule is found. */

import type { Budget } from './budget.ts'
import { allowNeverHolds, appliesWherever } from './condition-algebra.ts'
import { stricter } from './cover.ts'
import type { Pattern } from './pattern.ts'
import type { Rule } from './rule.ts'
import type { RuleSet } from './rule-set.ts'
import { commonNodes } from './trie-walk.ts'

/** Why a rule has no effect. */
export interface Redundancy {
  readonly kind: 'never-holds' | 'denied' | 'covered'
  /** Rules that take its place, or take it away. */
  readonly by: readonly Rule[]
}

/**
 * Say why taking a rule away would change no decision, if that is so. Rules that were found so before do not count, so
 * that all of them can be taken away together.
 */
export function redundancyOf(
  rule: Rule,
  rules: RuleSet,
  gone: ReadonlySet<Rule>,
  budget: Budget,
): Redundancy | undefined {
  if (rule.effect === 'allow' && allowNeverHolds(rule)) return { kind: 'never-holds', by: [] }
  const by = new Set<Rule>()
  const replaces = (other: Rule): boolean => {
    if (other === rule || gone.has(other) || !budget.spend()) return false
    return (other.actionMask & rule.actionMask) !== 0 && takesPlaceOf(other, rule)
  }
  for (const principal of rule.principals) {
    for (const pattern of rule.resources) {
      if (!coveredFor(principal, pattern, rule, rules, replaces, by, budget)) return undefined
    }
  }
  const denied = rule.effect === 'allow' && [...by].every(({ effect }) => effect === 'deny')
  return { kind: denied ? 'denied' : 'covered', by: [...by].sort((a, b) => a.index - b.index) }
}

/** Tell whether other rules do for one principal and pattern what a rule does, and note them. */
function coveredFor(
  principal: string,
  pattern: Pattern,
  { actionMask }: Rule,
  rules: RuleSet,
  replaces: (other: Rule) => boolean,
  by: Set<Rule>,
  budget: Budget,
): boolean {
  // Whoever has the principal has `*` too.
  const roots = [...new Set([principal, '*'])].flatMap(
    (name) => rules.trie(name, pattern.scheme) ?? [],
  )
  for (const nodes of commonNodes(roots, pattern)) {
    if (!budget.spend(nodes.length + pattern.segments.length)) return false
    let open = actionMask
    for (const other of nodes.flatMap((node) => node.rules)) {
      if (open === 0) break
      if ((other.actionMask & open) === 0 || !replaces(other)) continue
      open &= ~other.actionMask
      by.add(other)
    }
    if (open !== 0) return false
  }
  return true
}

/** Tell whether, wherever a rule applies, another one makes it needless on what both match. */
function takesPlaceOf(other: Rule, rule: Rule): boolean {
  if (rule.effect === 'deny' && other.effect === 'allow') return false
  if (other.effect === 'allow' && stricter(rule.obligations, other.obligations)) return false
  return appliesWherever(other, rule)
}
