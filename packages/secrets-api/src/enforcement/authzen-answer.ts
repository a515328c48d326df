/** Answers of AuthZEN, read strictly: what is not an answer permits nothing (specs: secrets-api §3.7). */
import { type Decision, type DecisionFacts, type DenyDecision, UNAVAILABLE } from './decision.ts'
import { readObligations } from './obligations.ts'

type Members = Readonly<Record<string, unknown>>

/** Ids from outside as far as they are passed on: 1 to 256 visible characters of ASCII. */
const NAME = /^[\x21-\x7e]{1,256}$/
const MAX_ACR_VALUES = 16

/** Answers to so many questions did not come as that many. */
const MISCOUNTED: DenyDecision = Object.freeze({ effect: 'Deny', reason: 'policy' })

/**
 * Read the answer to one question. Anything but an object with a boolean `decision`, and with an object as its `context`
 * if there is one, is no answer; neither is a permit with an `error` in its context.
 */
export function readEvaluation(value: unknown): Decision {
  const decision = own(value, 'decision')
  const context = own(value, 'context')
  if (typeof decision !== 'boolean') return UNAVAILABLE
  if (context !== undefined && !isMembers(context)) return UNAVAILABLE
  const facts = factsOf(context)
  if (!decision) return { effect: 'Deny', reason: 'policy', ...facts }
  if (own(context, 'error') !== undefined) return UNAVAILABLE
  // Constraints of other profiles bind like obligations, and none is known here.
  if (!isEmpty(own(context, 'constraints'))) {
    return { effect: 'Deny', reason: 'obligation', ...facts }
  }
  const read = readObligations(context)
  switch (read.kind) {
    case 'understood': {
      // When it no longer holds is not known here, so it holds once.
      const once = isEmpty(own(context, 'must_revalidate_on')) ? {} : { maxUses: 1 }
      return { effect: 'Permit', obligations: { ...read.obligations, ...once }, ...facts }
    }
    case 'step-up': {
      const acrValues = read.acrValues.filter((text) => NAME.test(text)).slice(0, MAX_ACR_VALUES)
      return { effect: 'Deny', reason: 'step-up', acrValues, ...facts }
    }
    default:
      return { effect: 'Deny', reason: 'obligation', ...facts }
  }
}

/**
 * Read the answers to so many questions. Without a list `evaluations` there is no answer to any; where it has another
 * length, nobody knows what was answered to what, and all are denied.
 */
export function readEvaluations(value: unknown, count: number): readonly Decision[] {
  const evaluations = own(value, 'evaluations')
  if (!Array.isArray(evaluations)) return Array.from({ length: count }, () => UNAVAILABLE)
  if (evaluations.length !== count) return Array.from({ length: count }, () => MISCOUNTED)
  return evaluations.map(readEvaluation)
}

function factsOf(context: Members | undefined): DecisionFacts {
  const decisionId = nameIn(context, 'decision_id')
  const policyVersion = nameIn(context, 'policy_version')
  const classification = nameIn(context, 'classification')
  return {
    ...(decisionId === undefined ? {} : { decisionId }),
    ...(policyVersion === undefined ? {} : { policyVersion }),
    ...(classification === undefined ? {} : { classification }),
  }
}

function nameIn(context: Members | undefined, name: string): string | undefined {
  const value = own(context, name)
  return typeof value === 'string' && NAME.test(value) ? value : undefined
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function own(value: unknown, name: string): unknown {
  return isMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
