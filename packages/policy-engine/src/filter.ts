/** Decisions for everything below a prefix, so that a listing need not ask for each entry where one answer holds. */

import type { State } from './automaton.ts'
import { applies, type Decision } from './cell.ts'
import type { Condition, Facts } from './condition.ts'
import type { Context, Effect } from './document.ts'
import type { Rule } from './rule.ts'
import { mergeOutlooks } from './sources/merge.ts'
import { type Outlook, outlook } from './sources/source.ts'

/** Metadata of one entry, written under `grant`. */
export type EntryMetadata = Readonly<Record<string, string>>

/** The answer for all entries below a prefix. */
export type Filter = 'all' | 'none' | ((path: string, metadata?: EntryMetadata) => boolean)

/**
 * See `CompiledPolicy.filter`.
 *
 * @param state where the prefix leads
 * @param foreign what foreign rules can answer below the prefix
 * @param decide answers for one path below the prefix, in this context
 */
export function filterBelow(
  state: State,
  action: number,
  facts: Facts,
  foreign: readonly Outlook[],
  decide: (path: string, context: Context) => Decision,
): Filter {
  const same = mergeOutlooks([nativeOutlook(state, action, facts), ...foreign])
  if (same !== undefined) return same
  const { context } = facts
  return (path, metadata) => {
    const own = metadata === undefined || context.metadata !== undefined
    return decide(path, own ? context : { ...context, metadata }).decision === 'allow'
  }
}

/** What native rules can answer for everything below a state. */
function nativeOutlook(state: State, action: number, facts: Facts): Outlook {
  const bit = 1 << action
  const everywhere = new Set<Rule>()
  const deep: Record<Effect, boolean> = { allow: false, deny: false }
  for (const node of state.members) {
    for (const rule of (node.sticky ? node : node.rest)?.rules ?? []) {
      if ((rule.actionMask & bit) !== 0) everywhere.add(rule)
    }
    deep.allow ||= (node.deepMask.allow & bit) !== 0
    deep.deny ||= (node.deepMask.deny & bit) !== 0
  }
  const open = (rule: Rule): boolean => facts.context.metadata === undefined && asksMetadata(rule)
  const effects = { allow: deep.allow, deny: deep.deny }
  const certain = { allow: false, deny: false }
  for (const rule of everywhere) {
    if (open(rule)) effects[rule.effect] = true
    else if (applies(rule, facts)) certain[rule.effect] = true
  }
  return outlook({
    mayAllow: certain.allow || effects.allow,
    mayDeny: certain.deny || effects.deny,
    allows: certain.allow && !effects.deny,
    denies: certain.deny,
  })
}

function asksMetadata({ when, unless }: Rule): boolean {
  const asks = ({ name }: Condition): boolean => name === 'metadata'
  return when.some(asks) || unless.some(asks)
}
