/** setec's own question, for its door: may a caller with these rules do this to a secret of this name? */

import { Reader } from '../../reader.ts'
import type { SetecAction } from './actions.ts'
import { RuleFinder, readSetecRules, type SetecRule } from './rules.ts'

/** Rules of setec, ready to be asked by the names of secrets. */
export interface SetecAcl {
  /** @param name as the client sent it; any text, also the empty one */
  allows(action: SetecAction, name: string): boolean
}

/**
 * Read rules of setec.
 *
 * @throws PolicyError `ERR_POLICY_SHAPE` for a rule of the wrong shape
 */
export function setecAcl(rules: readonly SetecRule[]): SetecAcl {
  const finder = new RuleFinder(readSetecRules(new Reader(rules, { documentIndex: 0 })))
  return Object.freeze({
    allows: (action: SetecAction, name: string): boolean => finder.find(action, name).length > 0,
  })
}
