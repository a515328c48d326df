/** The public face of a compiled policy. */

import type { Action } from './action.ts'
import type { Decision } from './cell.ts'
import type { CoverOptions } from './cover.ts'
import type { Context } from './document.ts'
import type { PolicyChanges } from './edition.ts'
import type { ExplainOptions, Explanation } from './explain.ts'
import type { Filter } from './filter.ts'
import type { VaultIdentity } from './sources/vault/template.ts'
import type { Abilities, WhatCanOptions } from './what-can.ts'
import type { CandidateGrant, Grant } from './who-can.ts'

/** A caller's principals, interned by the compiled policy that made it. Any other takes its principals anew. */
export interface Subject {
  readonly principals: readonly string[]
  /** What templates of Vault policies are filled in with. */
  readonly identity?: VaultIdentity | undefined
}

/** One question: may this subject do this to that? */
export interface PolicyRequest {
  /** From `subject()`, or principals such as `user:alice` (slower: they are interned again on each call). */
  readonly subject: Subject | readonly string[]
  readonly action: Action
  /** Canonical path; `/` for administrative actions without one. Anything else is denied. */
  readonly resource: string
  /** Milliseconds since the epoch. Absent: time conditions are unknown. */
  readonly time?: number | undefined
  /** Absent: everything in it is unknown. */
  readonly context?: Context | undefined
}

/** A question about everybody: who may do this to that? */
export type WhoCanRequest = Omit<PolicyRequest, 'subject'>

/** A subject that may be allowed something, with whatever its caller knows it by. */
export type Candidate = Pick<PolicyRequest, 'subject'>

/** Policies ready to decide. Pure and synchronous; it never changes. */
export interface CompiledPolicy {
  /** Ids of the compiled documents, in order. */
  readonly documents: readonly string[]
  /** How many rules they hold. */
  readonly ruleCount: number
  /**
   * The policy with some documents changed, at a cost that grows with the change and hardly with the policy. Decides as
   * `compile` of all its documents would, in the order of its `documents`; this policy stays what it is.
   *
   * @throws PolicyError for the first mistake, its `documentIndex` counted in `changes.set`
   * @throws TypeError for changes of the wrong type
   */
  replace(changes: PolicyChanges): CompiledPolicy
  /**
   * Intern a caller's principals, for many requests. No principals is nobody: `*` does not match it.
   *
   * @param identity what templates of Vault policies ask for; without it they grant nothing
   * @throws TypeError unless it is a list of strings, and `identity` an object
   */
  subject(principals: readonly string[], identity?: VaultIdentity): Subject
  /** Answer a request. @throws TypeError for a request of the wrong shape or an unknown action */
  decide(request: PolicyRequest): Decision
  /**
   * Decide for everything below `prefix` (not the prefix itself; one trailing `/` is accepted): `'all'`, `'none'`, or
   * a function that decides for one path. If `context` has no metadata, that function takes each entry's own as its
   * second argument, and `'all'` and `'none'` hold whatever the entries' metadata are.
   */
  filter(
    subject: Subject | readonly string[],
    action: Action,
    prefix: string,
    time?: number,
    context?: Context,
  ): Filter
  /** Say why a request is answered as it is, in terms that the caller may see (DESIGN §7). */
  explain(request: PolicyRequest, options?: ExplainOptions): Explanation
  /**
   * Say who is allowed an action on a resource, of the principals that a matching rule names and `*`: each is asked
   * about as a subject with this one principal. A subject with several can be allowed more, and denied more.
   *
   * @throws TypeError as `decide`
   */
  whoCan(request: WhoCanRequest): readonly Grant[]
  /**
   * Say which of these subjects are allowed an action on a resource, in their order.
   *
   * @throws TypeError as `decide`
   */
  whoCan<T extends Candidate>(
    request: WhoCanRequest,
    candidates: readonly T[],
  ): readonly CandidateGrant<T>[]
  /**
   * List the rules that name a subject, with what keeps each from applying, and the foreign documents that apply to it.
   * Whatever `decide` allows it is matched by an allow of this list that applies, or lies at or below the mount of one
   * of these documents.
   *
   * @throws TypeError for arguments of the wrong type
   */
  whatCan(subject: Subject | readonly string[], options?: WhatCanOptions): Abilities
  /**
   * Tell whether a subject is allowed an action on every resource that `pattern` matches, wherever a rule with these
   * conditions would allow it to somebody: then, and only then, the subject lacks nothing of what that rule grants.
   * `true` is certain: `decide` allows each such request. `false` may only mean that it could not be shown.
   *
   * An allow of the subject counts if it holds wherever the rule to be granted does: its conditions are among those of
   * that rule, or wider ones (`10.0.0.0/8` for `10.1.0.0/16`). Any deny that shares a resource with the pattern spoils
   * it, unless it cannot fire where the rule to be granted holds; so does an allow with a stricter obligation.
   *
   * @param pattern resource pattern, as in a rule
   * @throws TypeError for arguments of the wrong type or an unknown action, RangeError if `pattern` is not one,
   *   PolicyError for conditions or obligations that `compile` would refuse
   */
  covers(
    subject: Subject | readonly string[],
    action: Action,
    pattern: string,
    options?: CoverOptions,
  ): boolean
}
