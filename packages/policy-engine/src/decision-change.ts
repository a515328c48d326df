/** What a comparison of policies tells. */

import type { Action } from './action.ts'
import type { Context } from './document.ts'
import type { Outcome } from './outcome.ts'

/** Something that is decided otherwise. */
export interface DecisionChange {
  /**
   * Who is concerned: whoever has one of these principals. Of given subjects, and where `asked` is there: whoever has
   * all of them.
   */
  readonly principals: readonly string[]
  readonly actions: readonly Action[]
  /** A resource where it is so, one of the shortest. */
  readonly resource: string
  /** Patterns of the rules before and after that match it: all on which it may be so. None of foreign rules. */
  readonly patterns: readonly string[]
  readonly before: Outcome
  readonly after: Outcome
  /** Only of what was found by asking, since foreign documents differ: the request that is decided otherwise. */
  readonly asked?: { readonly time?: number; readonly context: Context }
}
