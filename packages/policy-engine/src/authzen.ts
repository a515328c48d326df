/**
 * @secreg/policy-engine/authzen: Authorization API 1.0 of the OpenID Foundation (AuthZEN), without I/O: what a decision
 * point answers to a body, a compiled policy as such a decision point, and a client over an injected `fetch`.
 */
export type {
  AuthzenClient,
  AuthzenClientOptions,
  AuthzenRequestOptions,
} from './authzen/client.ts'
export { AUTHZEN_CLIENT_DEFAULTS, createAuthzenClient } from './authzen/client.ts'
export type { AuthzenAnswer, AuthzenDenial, AuthzenFailure } from './authzen/client-answer.ts'
export { authzenActions, authzenDecision } from './authzen/decision.ts'
export type { AuthzenHttpRequest, AuthzenHttpResponse } from './authzen/endpoint.ts'
export { answerEvaluation, answerEvaluations, answerMetadata } from './authzen/endpoint.ts'
export type { AuthzenEvaluationsResponse } from './authzen/evaluate.ts'
export { AuthzenError, evaluate, evaluateAll } from './authzen/evaluate.ts'
export type { AuthzenMetadata, AuthzenMetadataOptions } from './authzen/metadata.ts'
export { AUTHZEN_PATHS, authzenMetadata } from './authzen/metadata.ts'
export type { AuthzenObligations, ReadObligations } from './authzen/obligations.ts'
export { readObligations, writeObligations } from './authzen/obligations.ts'
export type { PolicyPdpOptions } from './authzen/policy-pdp.ts'
export { createPolicyPdp } from './authzen/policy-pdp.ts'
export type { Purpose } from './authzen/purpose.ts'
export { isPurpose, PURPOSE_ACTIONS, PURPOSES } from './authzen/purpose.ts'
export type { AuthzenActionSearch, AuthzenEvaluationList } from './authzen/questions.ts'
export {
  failedEvaluation,
  MAX_EVALUATIONS,
  readActionSearch,
  readEvaluation,
  readEvaluations,
} from './authzen/questions.ts'
export { parseStrictJson } from './authzen/strict-json.ts'
export type {
  AuthzenAction,
  AuthzenContext,
  AuthzenDecision,
  AuthzenEvaluation,
  AuthzenEvaluationsRequest,
  AuthzenPdp,
  AuthzenProperties,
  AuthzenResource,
  AuthzenSemantic,
  AuthzenSubject,
} from './authzen/types.ts'
