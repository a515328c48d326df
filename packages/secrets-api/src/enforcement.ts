export type { Admission, AuthenticatedCaller } from './enforcement/admission.ts'
export type { AntiReplayMode, AntiReplayOptions } from './enforcement/anti-replay.ts'
export { ANTI_REPLAY_DEFAULTS, MAX_PROOF_ID_LENGTH } from './enforcement/anti-replay.ts'
export type { AttributesPort } from './enforcement/attributes.ts'
export { ATTRIBUTES_AT_ONCE, providerAttributes } from './enforcement/attributes.ts'
export type {
  AuditedOperation,
  AuditedOutcome,
  AuditedResource,
  AuditOptions,
} from './enforcement/audit-envelope.ts'
export { auditEvents, auditedResource, isAuditedStep } from './enforcement/audit-envelope.ts'
export type { AuditData, AuditEnvelope, DoneFacts, SecretEvent } from './enforcement/audit-event.ts'
export { SECRET_EVENTS } from './enforcement/audit-event.ts'
export { AuditSampler } from './enforcement/audit-sampler.ts'
export type { AuthorizedBatch, Permit } from './enforcement/authorize-batch.ts'
export { PDP_RETRY_AFTER_SECONDS } from './enforcement/authorize-batch.ts'
export type { Wanted, WantedOutcome } from './enforcement/authorizer.ts'
export { QUESTIONS_AT_ONCE } from './enforcement/authorizer.ts'
export { readEvaluation, readEvaluations } from './enforcement/authzen-answer.ts'
export type { AuthzenHttpPort } from './enforcement/authzen-decisions.ts'
export { authzenDecisions, EVALUATION_PATHS } from './enforcement/authzen-decisions.ts'
export type {
  AuthzenEvaluationBody,
  AuthzenEvaluationsBody,
  AuthzenMembers,
} from './enforcement/authzen-request.ts'
export { evaluationBody, evaluationsBody } from './enforcement/authzen-request.ts'
export type { Binding, Confirmation, SenderProofs } from './enforcement/binding.ts'
export { createEnforcement } from './enforcement/create-enforcement.ts'
export type {
  Decision,
  DecisionContext,
  DecisionFacts,
  DecisionPort,
  DecisionQuestion,
  DecisionResource,
  DecisionSubject,
  DenyDecision,
  PermitDecision,
  SecretAttributes,
} from './enforcement/decision.ts'
export type {
  Enforcement,
  EnforcementOptions,
  Filtered,
  Permitted,
} from './enforcement/enforcement.ts'
export type { Grant, GrantDefaults } from './enforcement/grant.ts'
export { GRANT_CAPS, GRANT_DEFAULTS } from './enforcement/grant.ts'
export type { GrantOptions } from './enforcement/grant-book.ts'
export { GRANT_BOOK_DEFAULTS, OUTAGE_TTL_MS } from './enforcement/grant-book.ts'
export type {
  EnforcementObserver,
  NoLabels,
  SecretsMetricKind,
  SecretsMetricName,
  SecretsMetrics,
} from './enforcement/metrics.ts'
export { SECRETS_METRICS } from './enforcement/metrics.ts'
export type { Obligations, ReadObligations } from './enforcement/obligations.ts'
export { readObligations, strictestOf } from './enforcement/obligations.ts'
export type {
  BulkOp,
  ListingOperation,
  ListingRule,
  OperationRule,
  OperationSide,
  ProviderNeed,
  SecretOperation,
  SingleOperation,
  SingleRule,
  TenantOperation,
  TenantRule,
  TransferOperation,
  TransferRule,
} from './enforcement/operation.ts'
export { BULK_OPS, bulkOperation, SECRET_OPERATIONS } from './enforcement/operation.ts'
export type { RoomLimits } from './enforcement/owned-cache.ts'
export type { ProviderGateOptions } from './enforcement/provider-gate.ts'
export type { Purpose, SecretScope } from './enforcement/purpose.ts'
export { PURPOSES, SECRET_SCOPES } from './enforcement/purpose.ts'
export type { BucketRule, FailureLimit } from './enforcement/rate-limits.ts'
export {
  AuthFailures,
  FAILURE_LIMIT,
  REQUEST_LIMIT,
  TokenBuckets,
} from './enforcement/rate-limits.ts'
export type {
  AuthorizationDetails,
  AuthorizationFailure,
  EnforcementReason,
  EnforcementStep,
  FailureCode,
  FailureReason,
  Refused,
  RefusedCode,
  ServiceReason,
} from './enforcement/refusal.ts'
export { ENFORCEMENT_REFUSALS, FAILURE_REASONS, SERVICE_REFUSALS } from './enforcement/refusal.ts'
export type { CallerRules } from './enforcement/refuse-caller.ts'
export { restrictDecisions } from './enforcement/restrict-decisions.ts'
export type { SecretRequest } from './enforcement/targets.ts'
export { purposesOf } from './enforcement/targets.ts'
