/** Decides the questions of one request of AuthZEN, for whoever may ask them (DESIGN §7). */
import type { CompiledPolicy, Context, Subject } from '@secreg/policy-engine'
import {
  type AuthzenDecision,
  type AuthzenEvaluation,
  type AuthzenSubject,
  authzenActions,
  authzenDecision,
  isPurpose,
} from '@secreg/policy-engine/authzen'
import type { Caller } from '@secreg/protocol'
import type { RowView } from '@secreg/zones'
import { accessDenied } from '../authorizer.ts'
import type { Identity } from '../identity.ts'
import { aboutPath } from './about-entry.ts'
import { resourceNamed } from './authzen-resource.ts'
import { isCallerNamed, subjectNamed } from './authzen-subject.ts'

const NOT_HERE: AuthzenDecision = refused('the resource is not of this registry')
const NO_ACTION: AuthzenDecision = refused('there is no such action')

export class Evaluator {
  /** Paths, and secrets elsewhere, that were asked about. */
  readonly paths: Set<string> = new Set()
  readonly #identity: Identity
  readonly #caller: Caller
  /** One request is decided by one policy, also where it takes several turns. */
  readonly #policy: CompiledPolicy
  readonly #mayAskAll: boolean
  readonly #rows: RowView
  /** By type and id: a list is mostly about few. */
  readonly #subjects = new Map<string, Map<string, Subject>>()

  constructor(identity: Identity, caller: Caller) {
    const { authorizer } = identity.core
    this.#identity = identity
    this.#caller = caller
    this.#policy = authorizer.policy
    this.#mayAskAll = authorizer.allows(caller, 'policy-read', '/')
    this.#rows = identity.rows()
  }

  /**
   * Decide one question. About himself everybody may ask, about others who may read policies there or everywhere.
   * Nothing that the request says of its subject or resource counts but their names, and of the context only whether
   * obligations are known: it is the asking service that says it.
   *
   * @throws SecregError `ERR_ACCESS_DENIED` alike for all subjects and resources that he may not ask about
   */
  async decide(question: AuthzenEvaluation): Promise<AuthzenDecision> {
    const { action, context, resource, subject } = question
    const about = resourceNamed(resource)
    if (about !== undefined) this.paths.add(about)
    const isOwn = isCallerNamed(subject, this.#caller)
    if (!isOwn && !this.#mayAsk(about)) throw accessDenied()
    const actions = authzenActions(action)
    if (about === undefined) return NOT_HERE
    if (actions === undefined) return NO_ACTION
    const { authorizer, now } = this.#identity.core
    const asked = {
      resource: about,
      time: now(),
      context: {
        ...(isOwn ? authorizer.contextOf(this.#caller) : this.#ofOthers()),
        ...(isPurpose(action.name) ? { purpose: action.name } : {}),
        ...(await aboutPath(this.#identity.core, about)),
      },
    }
    const named = isOwn ? undefined : this.#subjectNamed(subject)
    const decisions = actions.flatMap((one) => {
      const request = { ...asked, action: one }
      return named === undefined
        ? authorizer.decisions(this.#caller, request)
        : [this.#policy.decide({ ...request, subject: named })]
    })
    return authzenDecision(decisions, context)
  }

  /** Of what is nowhere here the answer tells nothing: it is for all who may ask about something. */
  #mayAsk(about: string | undefined): boolean {
    if (this.#mayAskAll) return true
    const { authorizer } = this.#identity.core
    return about === undefined
      ? authorizer.filter(this.#caller, 'policy-read', '') !== 'none'
      : authorizer.allows(this.#caller, 'policy-read', about)
  }

  /** What the registry itself knows of somebody else's request: how he came, nothing of his proofs and address. */
  #ofOthers(): Context {
    return { door: this.#caller.door, proof: 'asserted' }
  }

  #subjectNamed(subject: AuthzenSubject): Subject {
    let ofType = this.#subjects.get(subject.type)
    if (ofType === undefined) {
      ofType = new Map()
      this.#subjects.set(subject.type, ofType)
    }
    let known = ofType.get(subject.id)
    if (known === undefined) {
      known = subjectNamed(this.#policy, subject, this.#rows)
      ofType.set(subject.id, known)
    }
    return known
  }
}

function refused(reason: string): AuthzenDecision {
  return Object.freeze({ decision: false, context: Object.freeze({ reason }) })
}
