export type { Action } from './action.ts'
export { ACTIONS, isAction } from './action.ts'
export type { Decision } from './cell.ts'
export type { CompileOptions } from './compile.ts'
export { COMPILE_DEFAULTS, compile } from './compile.ts'
export type { ConditionName } from './condition.ts'
export type { CoverOptions } from './cover.ts'
export type { DecisionChange } from './decision-change.ts'
export type { DiffOptions, PolicyDiff } from './diff.ts'
export { DIFF_DEFAULTS, diff } from './diff.ts'
export type {
  ApiRequest,
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
  ForeignConditionName,
  UnmetCondition,
} from './explain.ts'
export type { EntryMetadata, Filter } from './filter.ts'
export type { LintCode, LintFinding, LintOptions } from './lint.ts'
export { LINT_DEFAULTS, lint } from './lint.ts'
export type { Outcome } from './outcome.ts'
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
export type { SecretScheme } from './secret-uri.ts'
export { foreignSecretOf, isForeignSecret, SECRET_SCHEMES } from './secret-uri.ts'
export type { AclAction } from './sources/acl/actions.ts'
export { ACL_ACTIONS } from './sources/acl/actions.ts'
export type { AclChangeNeed } from './sources/acl/change.ts'
export { aclChangeNeeds } from './sources/acl/change.ts'
export type { ImportRolesOptions } from './sources/acl/roles.ts'
export { importRoles, SECREG_ROLES } from './sources/acl/roles.ts'
export type {
  Acl,
  AclCondition,
  AclInheritance,
  AclPermission,
  AclPrincipalType,
} from './sources/acl/types.ts'
export type {
  AclDocument,
  ForeignDocument,
  ForeignDocumentHead,
  LibvirtDocument,
  SetecDocument,
  SourceKind,
  VaultDocument,
} from './sources/document.ts'
export type { LibvirtPermission } from './sources/libvirt/permissions.ts'
export { LIBVIRT_ACTIONS } from './sources/libvirt/permissions.ts'
export { polkitDefaults } from './sources/libvirt/polkit.ts'
export type { LibvirtRule, LibvirtUsage } from './sources/libvirt/source.ts'
export { LIBVIRT_USAGES } from './sources/libvirt/source.ts'
export type { SetecAcl } from './sources/setec/acl.ts'
export { setecAcl } from './sources/setec/acl.ts'
export type { SetecAction } from './sources/setec/actions.ts'
export { SETEC_ACTIONS } from './sources/setec/actions.ts'
export type { SetecRule } from './sources/setec/rules.ts'
export { setecRules } from './sources/setec/whois.ts'
export type {
  VaultAcl,
  VaultAclOptions,
  VaultAclRequest,
  VaultAnswer,
  VaultPathRule,
  VaultPolicy,
} from './sources/vault/acl.ts'
export { vaultAcl } from './sources/vault/acl.ts'
export type { VaultRequest } from './sources/vault/request.ts'
export type { VaultEntity, VaultIdentity } from './sources/vault/template.ts'
export type {
  CanonicalWord,
  VaultCapability,
  VaultOperation,
  VaultWord,
} from './sources/vault/words.ts'
export { CANONICAL_WORDS, VAULT_ACTIONS } from './sources/vault/words.ts'
export type { Abilities, Ability, AppliedSource, WhatCanOptions } from './what-can.ts'
export type { CandidateGrant, Grant } from './who-can.ts'
