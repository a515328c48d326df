/** Reading of a rule that is yet to be granted, as far as it says when it holds. */

import { type Condition, ConditionScope, readConditions } from './condition.ts'
import type { CoverOptions } from './cover.ts'
import type { Obligations } from './document.ts'
import { Reader } from './reader.ts'
import { NO_CONDITIONS, readObligations } from './rule.ts'

/** The checked form of the rule to be granted. */
export interface Grantable {
  readonly when: readonly Condition[]
  readonly unless: readonly Condition[]
  readonly obligations: Obligations | undefined
}

/**
 * Read conditions and obligations as `compile` does.
 *
 * @param systemZone of time windows that name none
 * @throws PolicyError whose pointer begins in the options
 */
export function readGrant(options: CoverOptions, systemZone: string): Grantable {
  const { when, unless, obligations } = options
  // What is interned goes with this call: what callers ask must not pile up in the policy.
  const scope = new ConditionScope(systemZone)
  const at = new Reader({ when, unless, obligations }, { documentIndex: 0 })
  const clause = (name: 'when' | 'unless'): readonly Condition[] =>
    options[name] === undefined ? NO_CONDITIONS : readConditions(at.member(name), scope)
  return {
    when: clause('when'),
    unless: clause('unless'),
    obligations: readObligations(
      obligations === undefined ? undefined : at.member('obligations'),
      'allow',
    ),
  }
}
