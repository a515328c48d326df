/** Whether foreign rules can deny something that a pattern matches (`CompiledPolicy.covers`). */

import type { Action } from '../action.ts'
import type { Facts } from '../condition.ts'
import type { Pattern } from '../pattern.ts'
import type { ForeignRules } from './source.ts'
import { VAULT_WORDS } from './vault/words.ts'

/** Tell whether some resource of a pattern can be denied by foreign rules, in requests of which this much is known. */
export function foreignMayDeny(
  foreign: readonly ForeignRules[],
  action: Action,
  pattern: Pattern,
  facts: Facts,
): boolean {
  const resource = literalParent(pattern)
  const { context, timeMs } = facts
  // A door may yet name any word of Vault, where none is given.
  const words = context.api === undefined ? VAULT_WORDS.map((word) => ({ word })) : [context.api]
  const contexts = [context, ...words.map((api) => ({ ...context, api }))]
  return foreign.some((rules) =>
    contexts.some((each) => {
      const question = { action, resource, facts: { timeMs, context: each } }
      if (rules.outlook(question).mayDeny) return true
      return resource === '/' && rules.verdict(question)?.decision === 'deny'
    }),
  )
}

/** The longest path that everything the pattern matches is below, or the root. */
function literalParent({ segments, rest }: Pattern): string {
  const wild = segments.findIndex(({ kind }) => kind !== 'literal')
  const literals = wild === -1 ? segments.length - (rest ? 0 : 1) : wild
  const texts = segments.slice(0, Math.max(0, literals)).map((segment) => {
    return segment.kind === 'any' ? '*' : segment.text
  })
  return `/${texts.join('/')}`
}
