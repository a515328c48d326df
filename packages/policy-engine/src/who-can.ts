/** Who is allowed something: the principals that rules name, or subjects that a caller knows. */

import type { Decision } from './cell.ts'
import type { Obligations } from './document.ts'
import type { Rule } from './rule.ts'
import type { TrieNode } from './trie.ts'
import { someMatching } from './trie-walk.ts'

/** A principal that is allowed what was asked for. */
export interface Grant {
  /** As in a rule; `*` stands for a caller that no other rule names. */
  readonly principal: string
  /** `documentId/ruleId` of the allows that hold. */
  readonly rules: readonly string[]
  readonly obligations?: Obligations
}

/** A candidate that is allowed what was asked for. */
export interface CandidateGrant<T> {
  readonly candidate: T
  /** `documentId/ruleId` of the allows that hold. */
  readonly rules: readonly string[]
  readonly obligations?: Obligations
}

/**
 * Principals with a rule about an action that matches a resource, in the order of their names, and `*` before them.
 * Any other is answered as `*` is.
 *
 * @param tries by principal
 * @param foreign principals that foreign documents name, whatever these say
 * @param bit of the action in a rule's mask
 * @param resource walkable
 */
export function principalsNamed(
  tries: Iterable<readonly [string, TrieNode]>,
  foreign: ReadonlySet<string>,
  bit: number,
  resource: string,
): string[] {
  const named = new Set(foreign)
  named.delete('*')
  const segments = resource === '/' ? [] : resource.slice(1).split('/')
  const concerns = ({ actionMask }: Rule): boolean => (actionMask & bit) !== 0
  for (const [principal, root] of tries) {
    if (principal === '*') continue
    if (someMatching(root, segments, concerns)) named.add(principal)
  }
  return ['*', ...[...named].sort()]
}

/** What an allow gives; `undefined` of a denial. */
export function grantOf(decision: Decision): Omit<Grant, 'principal'> | undefined {
  if (decision.decision === 'deny') return undefined
  const { rules, obligations } = decision
  return obligations === undefined ? { rules } : { rules, obligations }
}
