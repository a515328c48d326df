/** Rules that give to everybody what few should have. */

import type { Action } from './action.ts'
import { patternContains, requirePattern, resourceOf } from './pattern-algebra.ts'
import type { Rule } from './rule.ts'
import { WORLDS } from './rule-set.ts'

/** What a kind of action is about. */
type Kind = 'look' | 'value' | 'change' | 'admin'

/** A new action does not compile until it is known what giving it to everybody means. */
const KINDS: Readonly<Record<Action, Kind>> = {
  list: 'look',
  'read-metadata': 'look',
  read: 'value',
  decrypt: 'value',
  'use-internal': 'value',
  watch: 'value',
  create: 'change',
  update: 'change',
  patch: 'change',
  'create-version': 'change',
  activate: 'change',
  delete: 'change',
  undelete: 'change',
  destroy: 'change',
  purge: 'change',
  'write-metadata': 'change',
  grant: 'admin',
  account: 'admin',
  policy: 'admin',
  'policy-read': 'admin',
  mount: 'admin',
  'audit-read': 'admin',
  seal: 'admin',
  rotate: 'admin',
  backup: 'admin',
  export: 'admin',
}

/** Something that an allow gives to everybody. */
export interface Breadth {
  readonly actions: readonly Action[]
  /** Position of the pattern in the rule. */
  readonly at: number
  readonly kind: Exclude<Kind, 'look'>
}

/** All that is at least two segments deep: whatever holds this holds the entries of every mount, or all of a scheme. */
const EVERYWHERE = WORLDS.map((scheme) =>
  requirePattern('pattern', resourceOf(scheme, ['*', '**'])),
)

/** The worst that an allow gives to everybody: administration anywhere, or values or changes everywhere. */
export function breadthOf({ effect, principals, actions, resources }: Rule): Breadth | undefined {
  if (effect === 'deny' || !principals.includes('*')) return undefined
  const wide = resources.findIndex((pattern) =>
    EVERYWHERE.some((all) => patternContains(pattern, all)),
  )
  for (const kind of ['admin', 'value', 'change'] as const) {
    const given = actions.filter((action) => KINDS[action] === kind)
    if (given.length === 0) continue
    const at = kind === 'admin' ? Math.max(wide, 0) : wide
    if (at !== -1) return { actions: given, at, kind }
  }
  return undefined
}
