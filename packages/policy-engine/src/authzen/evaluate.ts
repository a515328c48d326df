/** Access Evaluation and Access Evaluations (AuthZEN 1.0, sections 6 and 7) as functions of a parsed body. */

import {
  AuthzenError,
  type JsonMembers,
  readEntities,
  readObject,
  readSemantic,
  requireComplete,
} from './read.ts'
import type { AuthzenDecision, AuthzenEvaluation, AuthzenPdp, AuthzenSemantic } from './types.ts'

export { AuthzenError } from './read.ts'

/** Most items of one request. */
export const MAX_EVALUATIONS = 1000

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
  return decide(pdp, requireComplete(readEntities(readObject(body, 'body'))))
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
  const request = readObject(body, 'body')
  const semantic = readSemantic(request)
  const items = readItems(request)
  const defaults = readEntities(request)
  if (items.length === 0) return decide(pdp, requireComplete(defaults))
  const evaluations: AuthzenDecision[] = []
  for (const item of items) {
    const answer = decideItem(pdp, defaults, item)
    evaluations.push(answer)
    if (endsAt(semantic, answer)) break
  }
  return { evaluations }
}

function readItems(request: JsonMembers): readonly unknown[] {
  if (!Object.hasOwn(request, 'evaluations')) return []
  const items = request['evaluations']
  if (!Array.isArray(items)) throw new AuthzenError('evaluations: expected an array')
  if (items.length > MAX_EVALUATIONS) {
    throw new AuthzenError(`evaluations: more than ${MAX_EVALUATIONS}`)
  }
  return items
}

function decideItem(
  pdp: AuthzenPdp,
  defaults: Partial<AuthzenEvaluation>,
  item: unknown,
): AuthzenDecision {
  try {
    // An entity of an item stands for the whole default; no members are merged.
    const entities = { ...defaults, ...readEntities(readObject(item, 'evaluation')) }
    return decide(pdp, requireComplete(entities))
  } catch (error) {
    return error instanceof AuthzenError
      ? failed(error.status, error.message)
      : failed(500, 'the decision failed')
  }
}

function failed(status: number, message: string): AuthzenDecision {
  return { decision: false, context: { error: { status, message } } }
}

function endsAt(semantic: AuthzenSemantic, { decision }: AuthzenDecision): boolean {
  return (
    (semantic === 'deny_on_first_deny' && !decision) ||
    (semantic === 'permit_on_first_permit' && decision)
  )
}

function decide(pdp: AuthzenPdp, evaluation: AuthzenEvaluation): AuthzenDecision {
  const { subject, action, resource, context } = evaluation
  const answer = pdp.decide(subject, action, resource, context)
  return {
    decision: answer.decision === true,
    ...(answer.context === undefined ? {} : { context: answer.context }),
  }
}
