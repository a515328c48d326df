/** A decision point that speaks AuthZEN, over a port of HTTP (specs: secrets-api §3.7). */
import { readEvaluation, readEvaluations } from './authzen-answer.ts'
import { evaluationBody, evaluationsBody } from './authzen-request.ts'
import type { DecisionPort } from './decision.ts'

/** Paths below the base of a decision point (Authorization API 1.0, section 10). */
export const EVALUATION_PATHS: { readonly evaluation: string; readonly evaluations: string } =
  Object.freeze({ evaluation: '/access/v1/evaluation', evaluations: '/access/v1/evaluations' })

/** Sends. */
export interface AuthzenHttpPort {
  /**
   * POST a body as JSON, and read the answer as strict JSON.
   *
   * @param path - one of {@link EVALUATION_PATHS}
   * @returns what the body of an answer with status 200 holds
   * @throws anything, for every other answer, and for none
   */
  postJson(path: string, body: unknown, signal: AbortSignal): Promise<unknown>
}

/**
 * Ask a decision point: one question by itself, more as one list.
 *
 * @example
 * ```ts
 * const outside = authzenDecisions({ postJson: (path, body, signal) => pdp.post(path, body, signal) })
 * const decisions = restrictDecisions(outside, local)
 * ```
 */
export function authzenDecisions(http: AuthzenHttpPort): DecisionPort {
  return {
    async decide(questions, signal) {
      const [first, second] = questions
      if (first === undefined) return []
      if (second === undefined) {
        const answer = await http.postJson(
          EVALUATION_PATHS.evaluation,
          evaluationBody(first),
          signal,
        )
        return [readEvaluation(answer)]
      }
      const body = evaluationsBody(questions)
      const answer = await http.postJson(EVALUATION_PATHS.evaluations, body, signal)
      return readEvaluations(answer, questions.length)
    },
  }
}
