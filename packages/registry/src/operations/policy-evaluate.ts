/**
 * Questions of services that let others do things by what policy says here: AuthZEN (Authorization API 1.0 of the OpenID
 * Foundation, DESIGN §7). One request is one record, however many questions it has.
 */
import {
  AuthzenError,
  type AuthzenEvaluationList,
  failedEvaluation,
  PURPOSES,
  readActionSearch,
  readEvaluation,
  readEvaluations,
} from '@secreg/policy-engine/authzen'
import {
  ACTIONS,
  type Caller,
  type EvaluatedInfo,
  type EvaluationInfo,
  type PolicyResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Identity } from '../identity.ts'
import { Evaluator } from '../policy/evaluator.ts'
import { type Facts, recorded } from '../recorded.ts'
import { withAction } from '../recorded-name.ts'
import { Pacer } from '../slices.ts'

type Request = Extract<RequestOf<'policy'>, { op: 'evaluate' }>

/** Every name of an action that can be allowed: purposes, and actions whose name no purpose has. */
const NAMES: readonly string[] = Object.freeze([...new Set<string>([...PURPOSES, ...ACTIONS])])

/**
 * Answer a request of AuthZEN. Items of a list that are wrong, or that the asker may not ask, are denied with
 * `context.error`.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT` for a request that is none; `ERR_ACCESS_DENIED` where he may ask none of what
 *   was looked at; `ERR_SEALED`
 */
export function evaluatePolicy(
  identity: Identity,
  caller: Caller,
  request: Request,
): Promise<PolicyResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'policy-evaluate' }
  return recorded(core.journal, caller, facts, async () => {
    core.keys.requireUnsealed()
    const evaluator = new Evaluator(identity, caller)
    try {
      return { evaluated: await answerTo(request, evaluator, facts) }
    } catch (error) {
      throw error instanceof AuthzenError ? invalid(error) : error
    } finally {
      facts.paths = [...evaluator.paths]
    }
  })
}

async function answerTo(
  { form, request }: Request,
  evaluator: Evaluator,
  facts: Facts,
): Promise<EvaluatedInfo> {
  if (form === 'action-search') {
    facts.detail = 'policy-evaluate search'
    const asked = readActionSearch(request)
    facts.count = NAMES.length
    const results: { name: string }[] = []
    for (const name of NAMES) {
      const { decision } = await evaluator.decide({ ...asked, action: { name } })
      if (decision) results.push({ name })
    }
    return { results }
  }
  const asked = form === 'evaluation' ? readEvaluation(request) : readEvaluations(request)
  if ('length' in asked) {
    const evaluations = await answersTo(asked, evaluator)
    facts.count = evaluations.length
    return { evaluations }
  }
  facts.count = 1
  facts.detail = withAction('policy-evaluate', asked.action.name)
  return evaluator.decide(asked)
}

async function answersTo(
  list: AuthzenEvaluationList,
  evaluator: Evaluator,
): Promise<readonly EvaluationInfo[]> {
  const pacer = new Pacer()
  const answers: EvaluationInfo[] = []
  let denied: SecregError | undefined
  let isOneAnswered = false
  for (let at = 0; at < list.length; at++) {
    if (pacer.isDue) await pacer.turn()
    let answer: EvaluationInfo
    try {
      answer = await evaluator.decide(list.at(at))
      isOneAnswered = true
    } catch (error) {
      if (error instanceof AuthzenError) answer = failedEvaluation(error.status, error.message)
      else if (SecregError.is(error) && error.reason === 'ACCESS_DENIED') {
        denied = error
        answer = failedEvaluation(403, error.message)
      } else throw error
    }
    answers.push(answer)
    if (list.endsAt(answer)) break
  }
  if (denied !== undefined && !isOneAnswered) throw denied
  return answers
}

function invalid(error: AuthzenError): SecregError {
  return new SecregError('INVALID_ARGUMENT', error.message)
}
