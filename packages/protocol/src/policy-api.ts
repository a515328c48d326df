/** Answers about policies. Members that have an engine's word in them are as `@secreg/policy-engine` says. */

/** One policy in a list. */
export interface PolicyInfo {
  readonly policy: string
  readonly description?: string
  /** `native`, or the system whose rules it keeps. */
  readonly source: 'native' | 'acl' | 'setec' | 'vault' | 'libvirt'
  /** Rules, patterns or lists that it holds. */
  readonly rules: number
  readonly revision: number
}

/** A condition that keeps a rule from applying. */
export interface UnmetInfo {
  readonly clause: 'when' | 'unless'
  readonly condition: string
  readonly wants: string
  readonly unknown?: true
}

/** A rule that speaks of what was asked. */
export interface RuleInfo {
  /** `policy/rule`. */
  readonly rule: string
  readonly effect: 'allow' | 'deny'
  readonly applies: boolean
  readonly unmet: readonly UnmetInfo[]
}

/** One decision, and why. */
export interface DecisionInfo {
  readonly decision: 'allow' | 'deny'
  readonly reason: string
  readonly rules: readonly RuleInfo[]
  /** Of a trial that said what it should be. */
  readonly as_expected?: boolean
}

/** Somebody who may. */
export interface GrantInfo {
  /** A principal such as `role:operator`, alone; or with `account`, a user with all that he is. */
  readonly principal: string
  readonly account?: string
  readonly rules: readonly string[]
}

/** What a rule lets somebody do, or keeps him from. */
export interface AbilityInfo {
  readonly rule: string
  readonly effect: 'allow' | 'deny'
  /** Patterns. */
  readonly resources: readonly string[]
  readonly actions: readonly string[]
  readonly applies: boolean
  readonly unmet: readonly UnmetInfo[]
}

/** Something of a policy that is probably not meant. */
export interface LintInfo {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  /** `policy/rule`. */
  readonly rule: string
  /** The rules that make it so. */
  readonly by?: readonly string[]
  readonly message: string
}

/** What rules come to in one place. */
export interface OutcomeInfo {
  /** `conditional`: it depends on conditions. */
  readonly decision: 'allow' | 'deny' | 'conditional'
  /** `policy/rule` of the rules on which it depends. */
  readonly rules: readonly string[]
}

/** Something that would be decided otherwise. */
export interface PolicyChangeInfo {
  /** Whoever has one of these. */
  readonly principals: readonly string[]
  readonly actions: readonly string[]
  /** A resource where it is so. */
  readonly resource: string
  /** Patterns on which it may be so. */
  readonly patterns: readonly string[]
  readonly before: OutcomeInfo
  readonly after: OutcomeInfo
}

/** The answer to one question of AuthZEN. */
export interface EvaluationInfo {
  readonly decision: boolean
  /** What it obliges to, or why there is no decision. */
  readonly context?: Readonly<Record<string, unknown>>
}

/** The answer to a request of AuthZEN, as its asker gets it: to one question, to a list in its order, or actions. */
export type EvaluatedInfo =
  | EvaluationInfo
  | { readonly evaluations: readonly EvaluationInfo[] }
  | { readonly results: readonly { readonly name: string }[] }

export interface PolicyResponse {
  readonly policies?: readonly PolicyInfo[]
  /** Of `list`: there may be more, ask again with `after` set to it. */
  readonly next?: string
  /** Of `get`: names stand where the store has ids. */
  readonly document?: Readonly<Record<string, unknown>>
  readonly revision?: number
  readonly decisions?: readonly DecisionInfo[]
  readonly grants?: readonly GrantInfo[]
  readonly abilities?: readonly AbilityInfo[]
  readonly evaluated?: EvaluatedInfo
  readonly findings?: readonly LintInfo[]
  readonly changes?: readonly PolicyChangeInfo[]
  /** Of `diff` and `who-can`: false when there was too much to look at, or to show, everything. */
  readonly complete?: boolean
}
