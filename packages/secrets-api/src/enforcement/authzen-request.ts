/** Questions as AuthZEN has them (Authorization API 1.0 of the OpenID Foundation, sections 5 to 7; specs: secrets-api §3.7). */
import type {
  DecisionContext,
  DecisionQuestion,
  DecisionResource,
  DecisionSubject,
} from './decision.ts'

/** A subject, an action or a resource of AuthZEN, or a context; without members that have no value. */
export type AuthzenMembers = Readonly<Record<string, unknown>>

/** Body of `/access/v1/evaluation`. */
export interface AuthzenEvaluationBody {
  readonly subject: AuthzenMembers
  readonly action: AuthzenMembers
  readonly resource: AuthzenMembers
  readonly context: AuthzenMembers
}

/** Body of `/access/v1/evaluations`: what is not beside the resource of an evaluation is above. */
export interface AuthzenEvaluationsBody {
  readonly subject: AuthzenMembers
  readonly context: AuthzenMembers
  /** Where all ask for one purpose. */
  readonly action?: AuthzenMembers
  readonly evaluations: readonly {
    readonly action?: AuthzenMembers
    readonly resource: AuthzenMembers
  }[]
  readonly options: { readonly evaluations_semantic: 'execute_all' }
}

/** One question. */
export function evaluationBody(question: DecisionQuestion): AuthzenEvaluationBody {
  return {
    subject: subjectOf(question.subject),
    action: { name: question.purpose },
    resource: resourceOf(question.resource, question.subject),
    context: contextOf(question.context),
  }
}

/** Several questions of one subject in one context, at least one. */
export function evaluationsBody(questions: readonly DecisionQuestion[]): AuthzenEvaluationsBody {
  const [first] = questions
  if (first === undefined) throw new RangeError('questions: expected at least one')
  const shared = questions.every(({ purpose }) => purpose === first.purpose)
  return {
    subject: subjectOf(first.subject),
    context: contextOf(first.context),
    ...(shared ? { action: { name: first.purpose } } : {}),
    evaluations: questions.map(({ purpose, resource, subject }) => ({
      ...(shared ? {} : { action: { name: purpose } }),
      resource: resourceOf(resource, subject),
    })),
    options: { evaluations_semantic: 'execute_all' },
  }
}

function subjectOf({ id, tenant, issuer, clientId, scopes }: DecisionSubject): AuthzenMembers {
  const properties = { tenant_id: tenant, issuer, client_id: clientId, scopes }
  return { type: 'account', id, properties: withValue(properties) }
}

function resourceOf(resource: DecisionResource, { tenant }: DecisionSubject): AuthzenMembers {
  if (resource.kind === 'tenant') {
    return { type: 'tenant', id: tenant, properties: { tenant_id: tenant } }
  }
  const { uri, attributes } = resource
  const properties = {
    tenant_id: tenant,
    provider: uri.provider,
    engine: uri.engine,
    mount: uri.mount,
    path: uri.segments.join('/'),
    fragment: uri.fragment,
    owner: attributes?.owner,
    created_by: attributes?.created_by,
    created_at: attributes?.created_at,
  }
  return { type: 'secret', id: uri.canonical, properties: withValue(properties) }
}

function contextOf(context: DecisionContext): AuthzenMembers {
  const { audience, binding } = context
  return withValue({
    aud: audience.length === 0 ? undefined : audience,
    token_jti: context.tokenId,
    correlation_id: context.correlationId,
    cnf_binding: binding?.value,
    binding_type: binding?.type ?? 'none',
    time: new Date(context.timeMs).toISOString(),
    workflow_run_id: context.workflowRunId,
    node_id: context.nodeId,
    system_id: context.systemId,
    supported_obligations: ['custom'],
  })
}

/** AuthZEN leaves out what has no value. */
function withValue(members: Record<string, unknown>): AuthzenMembers {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined && value !== null),
  )
}
