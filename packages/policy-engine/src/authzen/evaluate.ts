/** Access Evaluation and Access Evaluations (AuthZEN 1.0, sections 6 and 7) as functions of a parsed body. */

import {
  type AuthzenEvaluationList,
  failedEvaluation,
  readEvaluation,
  readEvaluations,
} from './questions.ts'
import { AuthzenError } from './read.ts'
import type { AuthzenDecision, AuthzenEvaluation, AuthzenPdp } from './types.ts'

export { AuthzenError } from './read.ts'

/** Answers in the order of the questions. */
export interface AuthzenEvaluationsResponse {
  readonly evaluations: readonly AuthzenDecision[]
}

/**
 * Answer one evaluation.
 *
 * @param body parsed JSON
 * @throws AuthzenError for a body that is no evaluation; whatever the decision point throws
 */
export function evaluate(pdp: AuthzenPdp, body: unknown): AuthzenDecision {
  return decide(pdp, readEvaluation(body))
}

/**
 * Answer a list of evaluations, or the single one that a body without a list is.
 *
 * An item that is wrong or incomplete is denied with `context.error`, and so is one whose decision fails.
 *
 * @param body parsed JSON
 * @throws AuthzenError for a body that is no such request; of a single one also as `evaluate`
 */
export function evaluateAll(
  pdp: AuthzenPdp,
  body: unknown,
): AuthzenDecision | AuthzenEvaluationsResponse {
  const questions = readEvaluations(body)
  if (!('length' in questions)) return decide(pdp, questions)
  const evaluations: AuthzenDecision[] = []
  for (let at = 0; at < questions.length; at++) {
    const answer = decideItem(pdp, questions, at)
    evaluations.push(answer)
    if (questions.endsAt(answer)) break
  }
  return { evaluations }
}

function decideItem(
  pdp: AuthzenPdp,
  questions: AuthzenEvaluationList,
  index: number,
): AuthzenDecision {
  try {
    return decide(pdp, questions.at(index))
  } catch (error) {
    return error instanceof AuthzenError
      ? failedEvaluation(error.status, error.message)
      : failedEvaluation(500, 'the decision failed')
  }
}

function decide(pdp: AuthzenPdp, evaluation: AuthzenEvaluation): AuthzenDecision {
  const { subject, action, resource, context } = evaluation
  const answer = pdp.decide(subject, action, resource, context)
  return {
    decision: answer.decision === true,
    ...(answer.context === undefined ? {} : { context: answer.context }),
  }
}
