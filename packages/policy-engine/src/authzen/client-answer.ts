/** What a client makes of an answer: an allow that it can enforce, or a denial with the reason. */

import { type AuthzenObligations, readObligations } from './obligations.ts'
import type { AuthzenContext } from './types.ts'

/** Why there is no answer of the decision point. */
export type AuthzenFailure =
  /** No connection, or it broke. */
  | 'connect'
  /** No whole answer in time. */
  | 'timeout'
  /** The caller's signal. */
  | 'aborted'
  /** Not 200, a redirect included. */
  | 'status'
  /** `X-Request-ID` is not the one that was sent: the answer may be somebody else's. */
  | 'request-id'
  /** Longer than `maxResponseBytes`. */
  | 'size'
  /** Not UTF-8, not JSON, or a name is given twice. */
  | 'json'
  /** No object, no boolean `decision`, or not as many answers as questions. */
  | 'shape'

/** Denied, and why. */
export interface AuthzenDenial {
  readonly decision: 'deny'
  readonly reason: /** The decision point denies. */
    | 'policy'
    /** It gave no answer that counts; see `failure`. */
    | 'unavailable'
    /** It allows under an obligation that is not understood. */
    | 'obligation'
    /** It allows once the subject has proved more; see `acrValues`. */
    | 'step-up'
  readonly failure?: AuthzenFailure
  readonly acrValues?: readonly string[]
  /** As the decision point gave it. */
  readonly context?: AuthzenContext
}

/** The answer to one question. */
export type AuthzenAnswer =
  | {
      readonly decision: 'allow'
      readonly obligations: AuthzenObligations
      /** As the decision point gave it, such as `decision_id`. */
      readonly context?: AuthzenContext
    }
  | AuthzenDenial

/** Denied because there is no answer. */
export function unavailable(failure: AuthzenFailure): AuthzenDenial {
  return { decision: 'deny', reason: 'unavailable', failure }
}

/** Read one decision. */
export function readDecision(value: unknown): AuthzenAnswer {
  const decision = own(value, 'decision')
  const given = own(value, 'context')
  if (typeof decision !== 'boolean' || (given !== undefined && !isObject(given))) {
    return unavailable('shape')
  }
  const context = given === undefined ? {} : { context: given }
  if (!decision) return { decision: 'deny', reason: 'policy', ...context }
  // A decision point that could not decide has not allowed.
  if (own(given, 'error') !== undefined) return unavailable('shape')
  const read = readObligations(context.context)
  switch (read.kind) {
    case 'understood':
      return { decision: 'allow', obligations: read.obligations, ...context }
    case 'step-up':
      return { decision: 'deny', reason: 'step-up', acrValues: read.acrValues, ...context }
    default:
      return { decision: 'deny', reason: 'obligation', ...context }
  }
}

/** Read the answers to so many questions. Not as many are none. */
export function readDecisions(value: unknown, count: number): readonly AuthzenAnswer[] {
  const evaluations = own(value, 'evaluations')
  if (!Array.isArray(evaluations) || evaluations.length !== count) {
    return Array.from({ length: count }, () => unavailable('shape'))
  }
  return evaluations.map(readDecision)
}

function own(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
