/**
 * What rules say about an action in one place, in a form that can be compared: each set of conditions stands for
 * something that may or may not hold, whatever the others do.
 */

import { allowNeverHolds, appliesWherever } from './condition-algebra.ts'
import { stricter } from './cover.ts'
import type { Effect, Obligations } from './document.ts'
import { obligationsOf, type Rule } from './rule.ts'

/** What rules come to in one place. */
export interface Outcome {
  /** `'conditional'`: it depends on conditions. */
  readonly decision: 'allow' | 'deny' | 'conditional'
  /** `documentId/ruleId` of the rules on which it depends, in their order. None: no rule speaks. */
  readonly rules: readonly string[]
  /** Of all allows without conditions. */
  readonly obligations?: Obligations
}

/** An outcome, and a text that is the same for outcomes that are. */
export interface ComparableOutcome {
  readonly outcome: Outcome
  /** On which it depends, in their order. */
  readonly rules: readonly Rule[]
  readonly key: string
}

/** Rules of one effect with the same conditions. */
interface Group {
  readonly when: Rule['when']
  readonly unless: Rule['unless']
  readonly rules: readonly Rule[]
  /** Text of the conditions. */
  readonly key: string
  readonly obligations: Obligations | undefined
}

/** Groups that are compared with each other; of more, all are kept, which finds more differences than there are. */
const MAX_COMPARED = 256

/**
 * Compute an outcome.
 *
 * @param rules that match the place and the action, without duplicates
 * @param closed nobody else's rules count for the subject; else a deny matters where nothing here is allowed
 */
export function outcomeOf(rules: readonly Rule[], closed: boolean): ComparableOutcome {
  const denies = withoutNeedless(groupsOf(rules, 'deny'))
  const certain = denies.filter(isUnconditional)
  if (certain.length > 0) return comparable('deny', certain, 'deny')
  const allows = withoutNeedless(
    groupsOf(rules, 'allow').filter(
      (group) => !allowNeverHolds(group) && !denies.some((deny) => appliesWherever(deny, group)),
    ),
  )
  if (allows.length === 0) {
    return comparable('deny', denies, closed ? 'deny' : JSON.stringify(keysOf(denies)))
  }
  const always = allows.find(isUnconditional)
  const key = JSON.stringify([keysOf(denies), keysOf(allows)])
  const sure = denies.length === 0 && always !== undefined
  return comparable(
    sure ? 'allow' : 'conditional',
    [...denies, ...allows],
    key,
    always?.obligations,
  )
}

function comparable(
  decision: Outcome['decision'],
  groups: readonly Group[],
  key: string,
  obligations?: Obligations,
): ComparableOutcome {
  const rules = groups.flatMap((group) => group.rules).sort((a, b) => a.index - b.index)
  const outcome = { decision, rules: rules.map(({ name }) => name) }
  return { key, rules, outcome: obligations === undefined ? outcome : { ...outcome, obligations } }
}

function groupsOf(rules: readonly Rule[], effect: Effect): Group[] {
  const byConditions = new Map<string, [Rule, ...Rule[]]>()
  for (const rule of rules) {
    if (rule.effect !== effect) continue
    const key = conditionsKey(rule)
    const others = byConditions.get(key)
    if (others === undefined) byConditions.set(key, [rule])
    else others.push(rule)
  }
  return [...byConditions].map(([key, own]) => {
    const [{ when, unless }] = own
    const obligations = own.map((rule) => rule.obligations).reduce(strictest)
    return { when, unless, rules: own, key, obligations }
  })
}

/** A text of a rule's conditions, the same for rules of different policies. */
export function conditionsKey({ when, unless }: Pick<Rule, 'when' | 'unless'>): string {
  if (when.length + unless.length === 0) return ''
  return JSON.stringify([when, unless].map((clause) => clause.map(({ key }) => key)))
}

function isUnconditional({ key }: Group): boolean {
  return key === ''
}

/**
 * Groups that make a difference, each with all obligations that hold where it applies. One does not where others hold
 * wherever it does and together oblige to as much.
 */
function withoutNeedless(groups: readonly Group[]): Group[] {
  if (groups.length > MAX_COMPARED) return [...groups]
  const distinct = groups.reduce<Group[]>(mergeEqual, [])
  return distinct.flatMap((group) => {
    const wider = distinct.filter((other) => other !== group && appliesWherever(other, group))
    const theirs = wider.map(({ obligations }) => obligations).reduce(strictest, undefined)
    if (wider.length > 0 && !stricter(group.obligations, theirs)) return []
    return [{ ...group, obligations: strictest(group.obligations, theirs) }]
  })
}

/** Of groups that hold under the same conditions, put differently, each would make the others needless: they are one. */
function mergeEqual(distinct: Group[], group: Group): Group[] {
  const at = distinct.findIndex(
    (other) => appliesWherever(other, group) && appliesWherever(group, other),
  )
  const same = distinct[at]
  if (same === undefined) return [...distinct, group]
  const spelled = same.key < group.key ? same : group
  const rules = [...same.rules, ...group.rules]
  const obligations = strictest(same.obligations, group.obligations)
  return distinct.with(at, { ...spelled, rules, obligations })
}

function keysOf(groups: readonly Group[]): string[] {
  return groups
    .map(({ key, obligations: { ttlSeconds = 0, maxUses = 0 } = {} }) => {
      return `${key} ${ttlSeconds} ${maxUses}`
    })
    .sort()
}

function strictest(
  a: Obligations | undefined,
  b: Obligations | undefined,
): Obligations | undefined {
  const least = (one: number | undefined, two: number | undefined): number | undefined =>
    one === undefined || two === undefined ? (one ?? two) : Math.min(one, two)
  return obligationsOf(least(a?.ttlSeconds, b?.ttlSeconds), least(a?.maxUses, b?.maxUses))
}
