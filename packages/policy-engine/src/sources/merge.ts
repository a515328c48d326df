/** One answer from many: any deny denies, else any allow allows, else it is denied by default (DESIGN §7). */

import { DEFAULT_DENY, type Decision } from '../cell.ts'
import type { ExplainedRule } from '../explain.ts'
import type { ForeignRules, Outlook, Question } from './source.ts'

/** Answers of pairs that were met before. Their keys are shared answers, which live as long as what made them. */
export type MergedAnswers = WeakMap<Decision, WeakMap<Decision, Decision>>

/**
 * Merge the answer of native rules with those of foreign ones.
 *
 * @param native answer of the native rules; it speaks if it names a rule
 */
export function mergeVerdicts(
  native: Decision,
  foreign: readonly ForeignRules[],
  question: Question,
  merged: MergedAnswers,
): Decision {
  let answer = native
  for (const rules of foreign) {
    const verdict = rules.verdict(question)
    if (verdict !== undefined) answer = mergePair(answer, verdict, merged)
  }
  return answer
}

function mergePair(one: Decision, other: Decision, merged: MergedAnswers): Decision {
  if (one === DEFAULT_DENY || one.rules.length === 0) return other
  if (one.decision !== other.decision) return one.decision === 'deny' ? one : other
  let known = merged.get(one)
  if (known === undefined) {
    known = new WeakMap()
    merged.set(one, known)
  }
  let both = known.get(other)
  if (both === undefined) {
    // Foreign rules carry no obligations, so those of the native allows stay the strictest.
    both = Object.freeze({ ...one, rules: Object.freeze([...one.rules, ...other.rules]) })
    known.set(other, both)
  }
  return both
}

/** What foreign rules say of a question: allows with what they lack, and denies if they may be shown. */
export function explainForeign(
  foreign: readonly ForeignRules[],
  question: Question,
  denials: boolean,
): readonly ExplainedRule[] {
  return foreign.flatMap((rules) => {
    const verdict = denials ? rules.verdict(question) : undefined
    const denied = verdict?.decision === 'deny' ? verdict.rules : []
    const shown: ExplainedRule[] = denied.map((rule) => {
      return { rule, effect: 'deny', applies: true, unmet: [] }
    })
    return [...rules.explain(question), ...shown]
  })
}

/** What a filter can say at once, or `undefined` if entries must be decided one by one. */
export function mergeOutlooks(outlooks: readonly Outlook[]): 'all' | 'none' | undefined {
  if (outlooks.some(({ denies }) => denies)) return 'none'
  if (!outlooks.some(({ mayAllow }) => mayAllow)) return 'none'
  const open = outlooks.some(({ mayDeny }) => mayDeny)
  return !open && outlooks.some(({ allows }) => allows) ? 'all' : undefined
}
