/**
 * Whether a subject is allowed something on every resource of a pattern: the question behind "nobody grants what he
 * lacks". Sound and not complete: `true` is certain, `false` may only mean that it could not be shown.
 */

import { appliesWherever, type Given, neverWith } from './condition-algebra.ts'
import type { Context, Obligations, PolicyConditions } from './document.ts'
import type { Pattern } from './pattern.ts'
import type { Rule } from './rule.ts'
import type { TrieNode } from './trie.ts'
import { commonNodes, someIntersecting } from './trie-walk.ts'

/** The rule that is to be granted, as far as it says when it holds, and what is known of its future requests. */
export interface CoverOptions {
  /** Conditions of the rule to be granted. Absent: it holds always. */
  readonly when?: PolicyConditions | undefined
  /** Exceptions of the rule to be granted. Absent: none. */
  readonly unless?: PolicyConditions | undefined
  /** Of the rule to be granted. Absent: none, so a subject that is itself under an obligation there covers nothing. */
  readonly obligations?: Obligations | undefined
  /**
   * Milliseconds since the epoch. Given, the question is about this instant only: a subject that is allowed in office
   * hours covers, during them, a rule that holds at night. Leave it out to ask about all times.
   */
  readonly time?: number | undefined
  /** Given, the question is about requests with these members only; absent members may be anything. */
  readonly context?: Context | undefined
}

/**
 * See `CompiledPolicy.covers`.
 *
 * @param roots tries of the subject's principals
 * @param bit of the action in a rule's mask
 * @param given the rule to be granted, and what is known of its requests
 * @param obligations of the rule to be granted
 * @param allowed foreign rules allow the whole pattern, so that only what spoils it is looked for
 */
export function coversPattern(
  roots: readonly TrieNode[],
  bit: number,
  pattern: Pattern,
  given: Given,
  obligations: Obligations | undefined,
  allowed = false,
): boolean {
  const concerns = (rule: Rule): boolean => (rule.actionMask & bit) !== 0
  const spoils = (rule: Rule): boolean =>
    concerns(rule) &&
    (rule.effect === 'deny' || stricter(rule.obligations, obligations)) &&
    !neverWith(rule, given)
  if (roots.some((root) => someIntersecting(root, pattern, spoils))) return false
  if (allowed) return true
  const allows = (rule: Rule): boolean =>
    concerns(rule) && rule.effect === 'allow' && appliesWherever(rule, given)
  return commonNodes(roots, pattern).every((nodes) => nodes.some((node) => node.rules.some(allows)))
}

/** Tell whether an obligation is missing in `given`, or weaker there. */
export function stricter(own: Obligations | undefined, given: Obligations | undefined): boolean {
  const more = (mine: number | undefined, theirs: number | undefined): boolean =>
    mine !== undefined && mine < (theirs ?? Number.POSITIVE_INFINITY)
  return more(own?.ttlSeconds, given?.ttlSeconds) || more(own?.maxUses, given?.maxUses)
}
