/** The fixture of the certification scenario (case list of the Secrets API, section 8) as a policy of ours. */

import { type CompiledPolicy, compile } from '@secreg/policy-engine'
import {
  type AuthzenHttpResponse,
  type AuthzenPdp,
  answerEvaluation,
  answerEvaluations,
  createPolicyPdp,
} from '@secreg/policy-engine/authzen'

const RULES = [
  {
    id: 'alice',
    effect: 'allow',
    principals: ['user:alice'],
    actions: ['read', 'update', 'delete'],
    resources: ['/record/*'],
    unless: { metadata: { status: 'archived' } },
  },
  {
    id: 'bob',
    effect: 'allow',
    principals: ['user:bob'],
    actions: ['read'],
    resources: ['/record/record-1'],
  },
  {
    id: 'admin',
    effect: 'allow',
    principals: ['role:admin'],
    actions: ['read', 'update'],
    resources: ['/record/**'],
  },
]

const policy: CompiledPolicy = compile([{ id: 'records', rules: RULES }])

/** Records instead of secrets, whose words are mapped by what a decision point may be given. */
export const recordPdp: AuthzenPdp = createPolicyPdp({
  policy: () => policy,
  now: () => 0,
  mayAssert: true,
  pathOf: ({ type, id }) => (type === 'record' ? `/record/${id}` : undefined),
  principalsOf: ({ properties }) => {
    const role = properties?.['role']
    return typeof role === 'string' ? [`role:${role}`] : []
  },
  actionsOf: ({ name, properties }) => {
    if (name === 'read') return ['read']
    if (name === 'write') return ['update']
    if (name === 'delete') return properties?.['soft'] === true ? ['delete'] : ['purge']
    return undefined
  },
})

export const alice = { type: 'user', id: 'alice' }
export const bob = { type: 'user', id: 'bob' }
export const read = { name: 'read' }
export const write = { name: 'write' }
export const record1 = { type: 'record', id: 'record-1' }
export const archived = { type: 'record', id: 'record-2', properties: { status: 'archived' } }

const JSON_TYPE = 'application/json'

/** What a service gets that posts a value, or a text, to `/access/v1/evaluation`. */
export function evaluation(
  body: unknown,
  contentType: string | undefined = JSON_TYPE,
): AuthzenHttpResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return answerEvaluation(recordPdp, { contentType, text })
}

/** The same of `/access/v1/evaluations`. */
export function evaluations(body: unknown): AuthzenHttpResponse {
  return answerEvaluations(recordPdp, { contentType: JSON_TYPE, text: JSON.stringify(body) })
}

/** The decision of a 200. */
export function decisionOf({ status, text }: AuthzenHttpResponse): unknown {
  return status === 200 ? JSON.parse(text).decision : status
}

/** The decisions of a 200, in their order. */
export function decisionsOf({ status, text }: AuthzenHttpResponse): unknown {
  if (status !== 200) return status
  const body = JSON.parse(text)
  if (Object.hasOwn(body, 'decision')) return 'single'
  return body.evaluations.map((item: { decision: unknown }) => item.decision)
}
