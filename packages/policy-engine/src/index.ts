export type { Action } from './action.ts'
export { ACTIONS, isAction } from './action.ts'
export type { Decision } from './cell.ts'
export type { CompileOptions } from './compile.ts'
export { COMPILE_DEFAULTS, compile } from './compile.ts'
export type { ConditionName } from './condition.ts'
export type { CoverOptions } from './cover.ts'
export type {
  Context,
  Effect,
  Obligations,
  PolicyConditions,
  PolicyDocument,
  PolicyRule,
  Proof,
  TimeWindow,
} from './document.ts'
export type { PolicyChanges } from './edition.ts'
export type { PolicyErrorCode, PolicyErrorPlace } from './errors.ts'
export { PolicyError } from './errors.ts'
export type {
  ExplainedRule,
  ExplainOptions,
  Explanation,
  ExplanationReason,
  UnmetCondition,
} from './explain.ts'
export type { EntryMetadata, Filter } from './filter.ts'
export type { LintCode, LintFinding, LintOptions } from './lint.ts'
export { LINT_DEFAULTS, lint } from './lint.ts'
export { contains, intersects, witness } from './pattern-algebra.ts'
export type {
  Candidate,
  CompiledPolicy,
  PolicyRequest,
  Subject,
  WhoCanRequest,
} from './policy.ts'
export type { JsonSchema } from './schema.ts'
export { POLICY_SCHEMA } from './schema.ts'
export type { Abilities, Ability, WhatCanOptions } from './what-can.ts'
export type { CandidateGrant, Grant } from './who-can.ts'
