/** What is wrong with policies that are valid: rules without effect, rules at odds, rules that give too much. */

import { breadthOf } from './breadth.ts'
import { Budget, requireBound } from './budget.ts'
import { type Contradiction, contradictionOf, firesOnlyOnUnknown } from './contradiction.ts'
import { firstEdition } from './edition.ts'
import { quote } from './reader.ts'
import { type Redundancy, redundancyOf } from './redundancy.ts'
import { type Rule, ruleNumber } from './rule.ts'
import type { RuleSet } from './rule-set.ts'

/** What was found. Codes are stable, messages are not. */
export type LintCode =
  /** An allow that never has an effect. Taking it away changes no decision. */
  | 'unreachable'
  /** A rule whose work others do. Taking it away changes no decision. */
  | 'shadowed'
  /** An allow and a deny on the same ground, or a deny whose conditions never hold. */
  | 'contradictory'
  /** Administration for everybody, or values or changes everywhere for everybody. */
  | 'over-broad'
  /** This rule and those before it were not compared with all others: it would have taken too long. */
  | 'incomplete'

/** One thing that was found. */
export interface LintFinding {
  readonly code: LintCode
  readonly severity: 'error' | 'warning' | 'info'
  /** Id of the document. */
  readonly document: string
  /** `documentId/ruleId`. */
  readonly rule: string
  /** The rules because of which. */
  readonly by?: readonly string[]
  /** For people. */
  readonly message: string
  /** JSON Pointer (RFC 6901) inside the document. */
  readonly pointer: string
}

/** Options of {@link lint}. */
export interface LintOptions {
  /** IANA zone of time windows that name none. Default: the zone of the system. */
  readonly systemZone?: string
  /** Bound of the work, about a microsecond each. A whole number from 1. Default 2,000,000. */
  readonly maxSteps?: number
}

/** Defaults of {@link LintOptions}. */
export const LINT_DEFAULTS: Readonly<Required<Pick<LintOptions, 'maxSteps'>>> = Object.freeze({
  maxSteps: 2_000_000,
})

/**
 * Look for mistakes in valid policies. All rules that are found unreachable or shadowed can be taken away together
 * without changing any decision (obligations included; the rules that a decision names do change).
 *
 * @param documents as for `compile`
 * @returns in the order of documents and rules
 * @throws PolicyError as `compile`
 * @throws TypeError if `documents` is not an array, RangeError if an option is out of range
 */
export function lint(
  documents: readonly unknown[],
  options: LintOptions = {},
): readonly LintFinding[] {
  if (!Array.isArray(documents)) throw new TypeError('documents: expected an array')
  const { systemZone, maxSteps = LINT_DEFAULTS.maxSteps } = options
  const budget = new Budget(requireBound('maxSteps', maxSteps))
  const { rules } = firstEdition(documents, systemZone)
  const all = rules.documents.flatMap(({ id, rules: own }) => own.map((rule) => ({ id, rule })))
  const gone = new Set<Rule>()
  const found: LintFinding[] = []
  let complete = true
  // The last of several equal rules is the one that was added in vain.
  for (const { id, rule } of all.reverse()) {
    const needless = complete ? redundancyOf(rule, rules, gone, budget) : undefined
    if (needless !== undefined) {
      gone.add(rule)
      found.push(redundant(id, rule, needless))
      continue
    }
    found.push(...broad(id, rule))
    if (complete) found.push(...atOdds(id, rule, rules, budget))
    if (complete && budget.exhausted) {
      complete = false
      const message = 'was not compared with all others, nor were the rules before it'
      found.push(finding('incomplete', 'info', id, rule, message))
    }
  }
  return found.reverse()
}

function finding(
  code: LintCode,
  severity: LintFinding['severity'],
  document: string,
  rule: Rule,
  message: string,
  more: { by?: readonly Rule[]; member?: string } = {},
): LintFinding {
  const { by = [], member = '' } = more
  return {
    code,
    severity,
    document,
    rule: rule.name,
    ...(by.length === 0 ? {} : { by: by.map(({ name }) => name) }),
    message: `${quote(rule.name)} ${message}`,
    pointer: `/rules/${ruleNumber(rule)}${member}`,
  }
}

function redundant(id: string, rule: Rule, { kind, by }: Redundancy): LintFinding {
  const names = namesOf(by)
  if (kind === 'never-holds') {
    return finding('unreachable', 'warning', id, rule, 'has conditions that never hold')
  }
  if (kind === 'denied') {
    return finding('unreachable', 'warning', id, rule, `is always denied by ${names}`, { by })
  }
  return finding('shadowed', 'info', id, rule, `changes nothing beside ${names}`, { by })
}

function atOdds(id: string, rule: Rule, rules: RuleSet, budget: Budget): LintFinding[] {
  if (firesOnlyOnUnknown(rule)) {
    const message = 'has conditions that never hold: it denies only where something is unknown'
    return [finding('contradictory', 'warning', id, rule, message)]
  }
  if (rule.effect === 'deny') return []
  const found = contradictionOf(rule, rules, budget)
  return found === undefined ? [] : [contradictory(id, rule, found)]
}

function contradictory(id: string, rule: Rule, found: Contradiction): LintFinding {
  const { kind, by, principal, pattern, other } = found
  const more = { by: [by], member: `/resources/${rule.resources.indexOf(pattern)}` }
  const [name, own, theirs] = [by.name, pattern.text, other.text].map(quote)
  if (kind === 'same') {
    const message = `allows ${principal} ${own}, of which ${name} always denies a part of the actions`
    return finding('contradictory', 'warning', id, rule, message, more)
  }
  const message = `allows ${principal} ${own}, which ${theirs} of ${name} crosses and denies there`
  return finding('contradictory', 'info', id, rule, message, more)
}

function broad(id: string, rule: Rule): LintFinding[] {
  const breadth = breadthOf(rule)
  if (breadth === undefined) return []
  const { kind, actions, at } = breadth
  const conditional = rule.when.length > 0
  const severity = kind === 'change' || conditional ? 'warning' : 'error'
  const where = quote(rule.resources[at]?.text ?? '')
  const message = `gives everybody ${actions.join(', ')} on ${where}${conditional ? ', under conditions' : ''}`
  return [finding('over-broad', severity, id, rule, message, { member: `/resources/${at}` })]
}

/** Rules named in a message, of which there can be many. */
const MAX_NAMED = 3

function namesOf(rules: readonly Rule[]): string {
  const named = rules.slice(0, MAX_NAMED).map(({ name }) => quote(name))
  const more = rules.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
