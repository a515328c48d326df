/** What the rules that name a subject give and take, and which of them apply now. */

import type { Action } from './action.ts'
import type { Facts } from './condition.ts'
import type { Context, Effect, Obligations } from './document.ts'
import { type ExplainedRule, explainRule } from './explain.ts'
import type { Rule } from './rule.ts'
import type { SourceKind } from './sources/document.ts'
import type { TrieNode } from './trie.ts'
import { collectRules } from './trie-walk.ts'

/** A rule that names the subject. */
export interface Ability extends ExplainedRule {
  readonly actions: readonly Action[]
  /** Patterns as written. */
  readonly resources: readonly string[]
  readonly obligations?: Obligations
}

/** The rules that name a subject, in the order of the documents. */
export interface Abilities {
  /** What it is allowed where no deny fires. An allow that does not apply keeps its unmet conditions. */
  readonly allows: readonly Ability[]
  /** Empty unless asked for. */
  readonly denies: readonly Ability[]
  /** Foreign documents that apply to the subject. What they allow and deny is not listed; `explain` tells it. */
  readonly sources: readonly AppliedSource[]
}

/** A foreign document that applies to the subject. */
export interface AppliedSource {
  /** Id of the document. */
  readonly document: string
  readonly source: SourceKind
  /** The path that it speaks about, with what is below it. */
  readonly mount: string
}

/** When and how the subject would ask, and what may be shown. */
export interface WhatCanOptions {
  /** Milliseconds since the epoch. Absent: time conditions are unknown. */
  readonly time?: number | undefined
  /** Absent: everything in it is unknown. */
  readonly context?: Context | undefined
  /** Show deny rules too. Only for those who may `policy-read`. Default false. */
  readonly denials?: boolean
}

/**
 * See `CompiledPolicy.whatCan`.
 *
 * @param roots tries of the subject's principals
 */
export function abilitiesOf(
  roots: readonly TrieNode[],
  facts: Facts,
  inOrder: (a: Rule, b: Rule) => number,
  denials: boolean,
): Omit<Abilities, 'sources'> {
  const found = new Set<Rule>()
  for (const root of roots) collectRules(root, found)
  const rules = [...found].sort(inOrder)
  const shown = (effect: Effect): Ability[] =>
    rules.filter((rule) => rule.effect === effect).map((rule) => abilityOf(rule, facts))
  return { allows: shown('allow'), denies: denials ? shown('deny') : [] }
}

function abilityOf(rule: Rule, facts: Facts): Ability {
  const { actions, resources, obligations } = rule
  return {
    ...explainRule(rule, facts),
    actions,
    resources: resources.map(({ text }) => text),
    ...(obligations === undefined ? {} : { obligations }),
  }
}
