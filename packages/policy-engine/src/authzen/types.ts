/** The information model of AuthZEN 1.0 (Authorization API, sections 5 to 7), as JSON. */

/** Attributes of an entity. */
export type AuthzenProperties = Readonly<Record<string, unknown>>

/** Who wants to act. */
export interface AuthzenSubject {
  readonly type: string
  readonly id: string
  readonly properties?: AuthzenProperties
}

/** What is to be done. */
export interface AuthzenAction {
  readonly name: string
  readonly properties?: AuthzenProperties
}

/** What it is to be done to. */
export interface AuthzenResource {
  readonly type: string
  readonly id: string
  readonly properties?: AuthzenProperties
}

/** The circumstances. */
export type AuthzenContext = Readonly<Record<string, unknown>>

/** One question. */
export interface AuthzenEvaluation {
  readonly subject: AuthzenSubject
  readonly action: AuthzenAction
  readonly resource: AuthzenResource
  readonly context?: AuthzenContext
}

/** Where a list of evaluations ends. */
export type AuthzenSemantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit'

/** Several questions; what stands beside them is their default, entity by entity. */
export interface AuthzenEvaluationsRequest extends Partial<AuthzenEvaluation> {
  readonly evaluations?: readonly Partial<AuthzenEvaluation>[]
  readonly options?: { readonly evaluations_semantic?: AuthzenSemantic }
}

/** The answer to one question. */
export interface AuthzenDecision {
  readonly decision: boolean
  readonly context?: AuthzenContext
}

/** What decides, without I/O. What it throws, and anything but `decision: true`, denies. */
export interface AuthzenPdp {
  decide(
    subject: AuthzenSubject,
    action: AuthzenAction,
    resource: AuthzenResource,
    context: AuthzenContext | undefined,
  ): AuthzenDecision
}
