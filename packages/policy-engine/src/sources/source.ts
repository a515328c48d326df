/**
 * What a compiled policy knows of foreign rule sets (DESIGN §7, "Sources"): each answers by its own rules with allow,
 * deny, or nothing.
 */

import type { Action } from '../action.ts'
import type { Decision } from '../cell.ts'
import type { Facts } from '../condition.ts'
import type { Effect } from '../document.ts'
import type { ExplainedRule } from '../explain.ts'

/** One question to the foreign rules of a subject. */
export interface Question {
  readonly action: Action
  /** Walkable. */
  readonly resource: string
  readonly facts: Facts
}

/** What rules can answer for anything below a prefix. Never less than what they do answer. */
export interface Outlook {
  readonly mayAllow: boolean
  readonly mayDeny: boolean
  /** Everything below is allowed by these rules. */
  readonly allows: boolean
  /** Everything below is denied by these rules. */
  readonly denies: boolean
}

/** The outlook of rules that do not speak. */
export const SILENT: Outlook = outlook({})

/** An outlook, of which absent members are false. */
export function outlook(known: Partial<Outlook>): Outlook {
  return Object.freeze({ mayAllow: false, mayDeny: false, allows: false, denies: false, ...known })
}

/** One foreign rule set, of one or several documents, as it applies to one subject. */
export interface ForeignRules {
  /** The answer, shared and frozen; `undefined` if the rules are silent. */
  verdict(question: Question): Decision | undefined
  /** What they can answer below a prefix (not the prefix itself) of the question. */
  outlook(question: Question): Outlook
  /** Allows that match, with what keeps them from applying; those that apply are the rules of an allow. */
  explain(question: Question): readonly ExplainedRule[]
}

/** Answers that a rule set keeps; dropped together when they are more. */
const MAX_KEPT = 256

/** Answers by the names of their rules: the same rules speak most of the time. */
export class Answers {
  readonly #kept: Record<Effect, Map<string, Decision>> = { allow: new Map(), deny: new Map() }

  /** @returns `undefined` if no rule allows */
  allow(rules: readonly string[]): Decision | undefined {
    return this.#of('allow', rules)
  }

  /** @returns `undefined` if no rule denies */
  deny(rules: readonly string[]): Decision | undefined {
    return this.#of('deny', rules)
  }

  #of(effect: Effect, rules: readonly string[]): Decision | undefined {
    if (rules.length === 0) return undefined
    const kept = this.#kept[effect]
    const key = rules.length === 1 ? (rules[0] ?? '') : JSON.stringify(rules)
    let answer = kept.get(key)
    if (answer === undefined) {
      answer = Object.freeze({ decision: effect, rules: Object.freeze([...rules]) })
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(key, answer)
    }
    return answer
  }
}

/** An explained allow that applies. */
export function applying(rule: string): ExplainedRule {
  return { rule, effect: 'allow', applies: true, unmet: [] }
}

/** By action, the words of a foreign table that stand for it, in the order of the table. */
export function inverted<K extends string>(
  table: Readonly<Record<K, readonly Action[]>>,
): ReadonlyMap<Action, readonly K[]> {
  const words = new Map<Action, K[]>()
  for (const word of Object.keys(table) as K[]) {
    for (const action of table[word]) words.set(action, [...(words.get(action) ?? []), word])
  }
  return words
}
