/** What the rules that match a resource say about one action: decided at once, or after their conditions. */

import { type Condition, evaluateAll, FALSE, type Facts, TRUE } from './condition.ts'
import type { Effect, Obligations } from './document.ts'
import { obligationsOf, type Rule } from './rule.ts'

/** The answer to a request. Shared and frozen: keep it, do not change it. */
export interface Decision {
  readonly decision: 'allow' | 'deny'
  /**
   * `documentId/ruleId` of the rules that decided, in the order of the documents: all denies that fired, else all
   * allows that hold. Empty: no rule spoke, so it is denied by default.
   */
  readonly rules: readonly string[]
  /** The strictest of all allows that hold; absent if there are none. */
  readonly obligations?: Obligations
}

/** The answer where no rule speaks. */
export const DEFAULT_DENY: Decision = Object.freeze({
  decision: 'deny',
  rules: Object.freeze([]),
})

/** Outcomes are kept per set of conditions that hold, as bits of a number. */
const MAX_KEPT_CHECKS = 30
const MAX_KEPT_DECISIONS = 64
/** Names of rules that cost as much memory as a small answer. */
const RULES_PER_UNIT = 16

/** Rules of one effect with the same conditions: evaluated once. */
interface Check {
  readonly when: readonly Condition[]
  readonly unless: readonly Condition[]
  readonly effect: Effect
  readonly rules: Rule[]
}

/** Tell whether a rule with these conditions applies (DESIGN §7: unknown fails an allow and fires a deny). */
export function applies(rule: Pick<Check, 'when' | 'unless' | 'effect'>, facts: Facts): boolean {
  const truth = evaluateAll(rule.when, facts)
  if (rule.effect === 'allow' ? truth !== TRUE : truth === FALSE) return false
  return rule.unless.length === 0 || evaluateAll(rule.unless, facts) !== TRUE
}

/** All rules that match a state for one action. */
export class Cell {
  /** In the order of the documents. */
  readonly rules: readonly Rule[]
  /** The answer, where no condition can change it. */
  readonly fixed: Decision | undefined
  readonly #denies: readonly Check[]
  readonly #allows: readonly Check[]
  readonly #kept: Map<number, Decision> | undefined
  /** The latest answer: the same conditions mostly hold again. */
  #lastKey = 0
  #last: Decision = DEFAULT_DENY
  readonly #charge: (units: number) => void

  /**
   * @param rules matching rules, without duplicates, in the order of the documents
   * @param charge told of each thing that is kept
   */
  constructor(rules: readonly Rule[], charge: (units: number) => void) {
    this.rules = rules
    this.#charge = charge
    charge(unitsOf(rules))
    const checks = groupByConditions(rules)
    this.#denies = checks.filter(({ effect }) => effect === 'deny')
    this.#allows = checks.filter(({ effect }) => effect === 'allow')
    this.#kept = checks.length <= MAX_KEPT_CHECKS ? new Map() : undefined
    const conditional = checks.some(({ when, unless }) => when.length + unless.length > 0)
    this.fixed = conditional ? undefined : this.decide({ timeMs: undefined, context: {} })
  }

  decide(facts: Facts): Decision {
    const kept = this.#kept
    if (kept === undefined) {
      const fired = this.#denies.filter((check) => applies(check, facts))
      return answer(
        fired.length > 0 ? fired : this.#allows.filter((check) => applies(check, facts)),
      )
    }
    let mask = maskOf(this.#denies, facts)
    const denied = mask !== 0
    if (!denied) mask = maskOf(this.#allows, facts)
    // Masks of denies are kept as negative numbers: a deny that fired leaves no allow to look at.
    const key = denied ? -mask : mask
    if (key === this.#lastKey) return this.#last
    const decision = kept.get(key) ?? this.#keep(kept, key, denied ? this.#denies : this.#allows)
    this.#lastKey = key
    this.#last = decision
    return decision
  }

  #keep(kept: Map<number, Decision>, key: number, checks: readonly Check[]): Decision {
    const mask = Math.abs(key)
    const decision = answer(checks.filter((_, index) => (mask & (1 << index)) !== 0))
    if (kept.size >= MAX_KEPT_DECISIONS) kept.clear()
    kept.set(key, decision)
    this.#charge(unitsOf(this.rules))
    return decision
  }
}

function unitsOf(rules: readonly Rule[]): number {
  return 1 + Math.floor(rules.length / RULES_PER_UNIT)
}

function groupByConditions(rules: readonly Rule[]): readonly Check[] {
  const groups = new Map<readonly Condition[], Map<readonly Condition[], Check>>()
  const checks: Check[] = []
  // Denies and allows never share a group, and a compilation has one list for equal conditions.
  for (const effect of ['deny', 'allow'] as const) {
    groups.clear()
    for (const rule of rules) {
      if (rule.effect !== effect) continue
      const { when, unless } = rule
      const byUnless = groups.get(when) ?? new Map<readonly Condition[], Check>()
      groups.set(when, byUnless)
      const check = byUnless.get(unless)
      if (check === undefined) {
        const made = { when, unless, effect, rules: [rule] }
        byUnless.set(unless, made)
        checks.push(made)
      } else check.rules.push(rule)
    }
  }
  return checks
}

function maskOf(checks: readonly Check[], facts: Facts): number {
  let mask = 0
  for (let index = 0; index < checks.length; index++) {
    const check = checks[index]
    if (check !== undefined && applies(check, facts)) mask |= 1 << index
  }
  return mask
}

function answer(checks: readonly Check[]): Decision {
  const effect = checks[0]?.effect
  if (effect === undefined) return DEFAULT_DENY
  const rules = checks.flatMap((check) => check.rules).sort((a, b) => a.index - b.index)
  const obligations = strictest(rules)
  return Object.freeze({
    decision: effect,
    rules: Object.freeze(rules.map(({ name }) => name)),
    ...(obligations === undefined ? {} : { obligations }),
  })
}

function strictest(rules: readonly Rule[]): Obligations | undefined {
  let ttlSeconds = Number.POSITIVE_INFINITY
  let maxUses = Number.POSITIVE_INFINITY
  for (const { obligations } of rules) {
    ttlSeconds = Math.min(ttlSeconds, obligations?.ttlSeconds ?? ttlSeconds)
    maxUses = Math.min(maxUses, obligations?.maxUses ?? maxUses)
  }
  const count = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)
  return obligationsOf(count(ttlSeconds), count(maxUses))
}
