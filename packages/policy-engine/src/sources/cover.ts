/** What foreign rules answer for all that a pattern matches (`CompiledPolicy.covers`). */

import type { Action } from '../action.ts'
import type { Facts } from '../condition.ts'
import type { Pattern } from '../pattern.ts'
import type { ForeignRules, Question } from './source.ts'
import { VAULT_WORDS } from './vault/words.ts'

/** Tell whether some resource of a pattern can be denied by foreign rules, in requests of which this much is known. */
export function foreignMayDeny(
  foreign: readonly ForeignRules[],
  action: Action,
  pattern: Pattern,
  facts: Facts,
): boolean {
  const resource = literalParent(pattern)
  return foreign.some((rules) =>
    questionsOf(action, resource, facts).some((question) => {
      if (rules.outlook(question).mayDeny) return true
      return resource === '/' && rules.verdict(question)?.decision === 'deny'
    }),
  )
}

/** Tell whether every resource of a pattern is allowed by foreign rules, whatever else requests bring with them. */
export function foreignAllows(
  foreign: readonly ForeignRules[],
  action: Action,
  pattern: Pattern,
  facts: Facts,
): boolean {
  const parent = literalParent(pattern)
  const literal = !pattern.rest && pattern.segments.every(({ kind }) => kind === 'literal')
  return foreign.some((rules) => {
    if (literal) {
      const questions = questionsOf(action, pattern.text, facts)
      return questions.every((question) => rules.verdict(question)?.decision === 'allow')
    }
    return questionsOf(action, parent, facts).every((question) => rules.outlook(question).allows)
  })
}

/** The question, through every word of Vault that a door may yet name where none is given. */
function questionsOf(action: Action, resource: string, facts: Facts): readonly Question[] {
  const { context, timeMs } = facts
  const words = context.api === undefined ? VAULT_WORDS.map((word) => ({ word })) : [context.api]
  return [context, ...words.map((api) => ({ ...context, api }))].map((each) => {
    return { action, resource, facts: { timeMs, context: each } }
  })
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
