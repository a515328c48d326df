/** What requests ask (AuthZEN 1.0, sections 6, 7 and 8.6), for decision points that decide in their own time. */

import {
  AuthzenError,
  type JsonMembers,
  readEntities,
  readObject,
  readSemantic,
  requireComplete,
} from './read.ts'
import type {
  AuthzenContext,
  AuthzenDecision,
  AuthzenEvaluation,
  AuthzenResource,
  AuthzenSemantic,
  AuthzenSubject,
} from './types.ts'

/** Most items of one request. */
export const MAX_EVALUATIONS = 1000

/** The questions of a list, each read when it is its turn. */
export interface AuthzenEvaluationList {
  /** 1 to {@link MAX_EVALUATIONS}. */
  readonly length: number
  /** @throws AuthzenError for a question that is wrong or incomplete */
  at(index: number): AuthzenEvaluation
  /** Whether a list ends with this answer. */
  endsAt(answer: AuthzenDecision): boolean
}

/** Somebody and something, of which all that he may do to it is asked. */
export interface AuthzenActionSearch {
  readonly subject: AuthzenSubject
  readonly resource: AuthzenResource
  readonly context?: AuthzenContext
}

/**
 * Read the question of `POST /access/v1/evaluation`.
 *
 * @param body parsed JSON; parts of it are in the answer
 * @throws AuthzenError
 */
export function readEvaluation(body: unknown): AuthzenEvaluation {
  return requireComplete(readEntities(readObject(body, 'body')))
}

/**
 * Read the questions of `POST /access/v1/evaluations`: a list, or the single one that a body without a list is.
 *
 * @param body parsed JSON; parts of it are in the answer
 * @throws AuthzenError
 */
export function readEvaluations(body: unknown): AuthzenEvaluation | AuthzenEvaluationList {
  const request = readObject(body, 'body')
  const semantic = readSemantic(request)
  const items = readItems(request)
  const defaults = readEntities(request)
  if (items.length === 0) return requireComplete(defaults)
  return {
    length: items.length,
    // An entity of an item stands for the whole default; no members are merged.
    at: (index) =>
      requireComplete({ ...defaults, ...readEntities(readObject(items[index], 'evaluation')) }),
    endsAt: (answer) => ends(semantic, answer),
  }
}

/**
 * Read the question of `POST /access/v1/search/action`.
 *
 * @param body parsed JSON; an action in it is left alone
 * @throws AuthzenError
 */
export function readActionSearch(body: unknown): AuthzenActionSearch {
  const { action: _, ...request } = readObject(body, 'body')
  const { action: __, ...search } = requireComplete({
    ...readEntities(request),
    action: { name: '' },
  })
  return search
}

/** The answer to an item of a list that could not be decided. @param status of HTTP, as it would be for it alone */
export function failedEvaluation(status: number, message: string): AuthzenDecision {
  return { decision: false, context: { error: { status, message } } }
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

function ends(semantic: AuthzenSemantic, { decision }: AuthzenDecision): boolean {
  return (
    (semantic === 'deny_on_first_deny' && !decision) ||
    (semantic === 'permit_on_first_permit' && decision)
  )
}
