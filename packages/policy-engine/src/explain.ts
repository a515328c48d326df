/**
 * Why a request was answered as it was, in terms that its caller may see (DESIGN §7): the rules that name him and
 * match what he asked for, with the conditions that are not met; denials only as "denied by policy".
 */

import { applies, type Decision } from './cell.ts'
import {
  type Condition,
  type ConditionName,
  evaluateAll,
  type Facts,
  TRUE,
  UNKNOWN,
} from './condition.ts'
import type { Effect } from './document.ts'
import type { Rule } from './rule.ts'

/** What decided, as words for the caller. */
export type ExplanationReason =
  /** At least one allow holds and no deny fired. */
  | 'allowed'
  /** A deny fired. */
  | 'denied by policy'
  /** Rules would allow it, but none whose conditions are met. */
  | 'condition not met'
  /** No rule that names the subject allows this action on this resource. */
  | 'no rule allows it'

/** What only foreign rules ask for. */
export type ForeignConditionName =
  /** The most specific pattern of Vault speaks alone, and lacks the capability. */
  | 'capability'
  /** Parameters of an API request, which its pattern restricts. */
  | 'parameters'
  /** Response wrapping within the limits of its pattern. */
  | 'wrapping'
  /** Proof by a TPM, which nothing here can evaluate. */
  | 'tpm'
  /** Usage of a secret of libvirt. */
  | 'usage'

/** A condition that keeps a rule from applying. */
export interface UnmetCondition {
  readonly clause: 'when' | 'unless'
  readonly condition: ConditionName | ForeignConditionName
  /** What the rule asks for, as text: `10.0.0.0/8`, `09:00 to 17:00 Europe/Prague`. */
  readonly wants: string
  /**
   * The request does not carry what the condition asks about. Never set for metadata and usage: whether an entry has
   * any would tell whether it exists.
   */
  readonly unknown?: true
}

/** A rule that names the subject and matches action and resource. */
export interface ExplainedRule {
  /** `documentId/ruleId`; of a foreign rule as in a decision. */
  readonly rule: string
  readonly effect: Effect
  readonly applies: boolean
  /** Empty if it applies. */
  readonly unmet: readonly UnmetCondition[]
}

/** Answer of `explain`. Agrees with `decide` for the same request. */
export interface Explanation {
  readonly decision: Decision['decision']
  readonly reason: ExplanationReason
  readonly rules: readonly ExplainedRule[]
}

/** What may be shown. */
export interface ExplainOptions {
  /** Show deny rules too. Only for those who may `policy-read`. Default false. */
  readonly denials?: boolean
}

/**
 * Explain a decision by the rules that match its request.
 *
 * @param foreign what foreign rules say of themselves
 */
export function explain(
  decision: Decision,
  matching: readonly Rule[],
  facts: Facts,
  options: ExplainOptions,
  foreign: readonly ExplainedRule[] = [],
): Explanation {
  const shown = matching.filter(({ effect }) => effect === 'allow' || options.denials === true)
  return {
    decision: decision.decision,
    reason: reasonOf(decision, matching, foreign),
    rules: [...shown.map((rule) => explainRule(rule, facts)), ...foreign],
  }
}

/** Say whether a rule applies, and what keeps it from doing so. */
export function explainRule(rule: Rule, facts: Facts): ExplainedRule {
  const holds = applies(rule, facts)
  const { name, effect } = rule
  return { rule: name, effect, applies: holds, unmet: holds ? [] : unmetOf(rule, facts) }
}

function reasonOf(
  decision: Decision,
  matching: readonly Rule[],
  foreign: readonly ExplainedRule[],
): ExplanationReason {
  if (decision.decision === 'allow') return 'allowed'
  if (decision.rules.length > 0) return 'denied by policy'
  const conditional =
    matching.some(({ effect }) => effect === 'allow') || foreign.some(lacksOnlyConditions)
  return conditional ? 'condition not met' : 'no rule allows it'
}

function lacksOnlyConditions({ unmet }: ExplainedRule): boolean {
  return unmet.every(({ condition }) => condition !== 'capability')
}

function unmetOf(rule: Rule, facts: Facts): UnmetCondition[] {
  const unmet = rule.when
    .filter((condition) => condition.evaluate(facts) !== TRUE)
    .map((condition) => describe('when', condition, facts))
  const excepted = rule.unless.length > 0 && evaluateAll(rule.unless, facts) === TRUE
  if (excepted) unmet.push(...rule.unless.map((condition) => describe('unless', condition, facts)))
  return unmet
}

function describe(
  clause: UnmetCondition['clause'],
  condition: Condition,
  facts: Facts,
): UnmetCondition {
  const { name, wants } = condition
  const unknown = name !== 'metadata' && condition.evaluate(facts) === UNKNOWN
  return { clause, condition: name, wants, ...(unknown ? { unknown: true } : {}) }
}
