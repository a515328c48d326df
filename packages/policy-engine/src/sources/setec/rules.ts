/**
 * Rules of setec (specs/setec.md §2.1): a rule allows if one of its actions is equal and one of its patterns matches
 * the name. There is no deny.
 */

import { type Glob, matchGlob, parseGlob } from '../../glob.ts'
import type { Reader } from '../../reader.ts'
import { isSetecAction, type SetecAction } from './actions.ts'

/** A rule as setec writes it. Unknown actions and members are ignored, as setec does. */
export interface SetecRule {
  readonly action?: readonly string[]
  /** Patterns of whole names; `*` is any characters, also `/` and none. */
  readonly secret?: readonly string[]
}

/** A rule that was read. */
export interface ReadRule {
  /** Position in its list. */
  readonly index: number
  readonly actions: ReadonlySet<SetecAction>
  readonly patterns: readonly (Glob | string)[]
}

/** Read a list of rules. @throws PolicyError `ERR_POLICY_SHAPE` for a member of the wrong type */
export function readSetecRules(at: Reader): readonly ReadRule[] {
  return at.items({ min: 0 }).map((item, index) => {
    const action = member(item, /^action$/iu)
    const secret = member(item, /^secret$/iu)
    return {
      index,
      actions: new Set(texts(action).filter(isSetecAction)),
      patterns: texts(secret).map((text) => (text.includes('*') ? parseGlob(text) : text)),
    }
  })
}

/** Go's JSON finds members whatever their case, and the last one counts (specs/setec.md, identity `extracap`). */
function member(rule: Reader, name: RegExp): Reader | undefined {
  const found = rule.entries('ERR_POLICY_SHAPE').filter(([key]) => name.test(key))
  return found.at(-1)?.[1]
}

function texts(at: Reader | undefined): string[] {
  if (at === undefined || at.value === null) return []
  return at.items({ min: 0 }).map((item) => item.text())
}

/** Tell whether a rule allows an action on a name. */
export function ruleAllows(rule: ReadRule, action: SetecAction, name: string): boolean {
  return (
    rule.actions.has(action) &&
    rule.patterns.some((pattern) => {
      return typeof pattern === 'string' ? pattern === name : matchGlob(pattern, name)
    })
  )
}
