/** Rules in the answer of Tailscale's WhoIs (specs/setec.md §2.1, §2.2). */

import { Reader } from '../../reader.ts'
import { readSetecRules, type SetecRule } from './rules.ts'

/** The capability, and the older label that is looked at if the first has no rule. */
const LABELS = ['tailscale.com/cap/secrets', 'https://tailscale.com/cap/secrets'] as const

/**
 * The setec rules of a capability map.
 *
 * @param capabilities `CapMap` of the answer: label → list of rules; `undefined` or `null` if there is none
 * @returns the rules as they stand, for a document of source `setec` or `setecAcl`; none if no label has any
 * @throws PolicyError `ERR_POLICY_SHAPE` if the map or a rule has the wrong shape: the caller is then nobody
 */
export function setecRules(capabilities: unknown): readonly SetecRule[] {
  if (capabilities === undefined || capabilities === null) return []
  const at = new Reader(capabilities, { documentIndex: 0 }).object()
  for (const label of LABELS) {
    const list = at.optional(label)
    if (list === undefined || list.value === null) continue
    if (readSetecRules(list).length > 0) return list.value as readonly SetecRule[]
  }
  return []
}
