/**
 * Rules of setec (specs/setec.md §2.1): a rule allows if one of its actions is equal and one of its patterns matches
 * the name. There is no deny.
 */

import { GlobIndex } from '../../glob.ts'
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
  readonly patterns: readonly string[]
}

/** Read a list of rules. @throws PolicyError `ERR_POLICY_SHAPE` for a member of the wrong type */
export function readSetecRules(at: Reader): readonly ReadRule[] {
  return at.items({ min: 0 }).map((item, index) => {
    const action = member(item, /^action$/iu)
    const secret = member(item, /^secret$/iu)
    return {
      index,
      actions: new Set(texts(action).filter(isSetecAction)),
      patterns: texts(secret),
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

/** Patterns of one action. */
interface Patterns {
  readonly literals: Map<string, number[]>
  readonly globs: GlobIndex<number>
}

/** The rules of a list by action and pattern: thousands of them cost about what a few do. */
export class RuleFinder {
  readonly #byAction = new Map<SetecAction, Patterns>()

  constructor(rules: readonly ReadRule[]) {
    for (const { index, actions, patterns } of rules) {
      for (const action of actions) {
        const known = this.#byAction.get(action) ?? { literals: new Map(), globs: new GlobIndex() }
        this.#byAction.set(action, known)
        for (const pattern of patterns) addPattern(known, pattern, index)
      }
    }
  }

  /** Positions of the rules that allow an action on a name, ascending. */
  find(action: SetecAction, name: string): readonly number[] {
    const patterns = this.#byAction.get(action)
    if (patterns === undefined) return []
    const found = [...(patterns.literals.get(name) ?? [])]
    patterns.globs.collect(name, found)
    return found.length < 2 ? found : [...new Set(found)].sort((a, b) => a - b)
  }
}

function addPattern({ literals, globs }: Patterns, pattern: string, index: number): void {
  if (pattern.includes('*')) globs.add(pattern, index)
  else literals.set(pattern, [...(literals.get(pattern) ?? []), index])
}
