/** A compiled policy as an AuthZEN decision point (DESIGN §7). What is not known is denied. */

import type { Action } from '../action.ts'
import type { Context } from '../document.ts'
import type { EntryMetadata } from '../filter.ts'
import type { CompiledPolicy } from '../policy.ts'
import { PRINCIPAL } from '../rule.ts'
import { foreignSecretOf, isForeignSecret } from '../secret-uri.ts'
import { isCanonicalPath } from './canonical-path.ts'
import { authzenActions, authzenDecision } from './decision.ts'
import { isPurpose } from './purpose.ts'
import type {
  AuthzenAction,
  AuthzenContext,
  AuthzenDecision,
  AuthzenPdp,
  AuthzenProperties,
  AuthzenResource,
  AuthzenSubject,
} from './types.ts'

/** What a decision point knows besides its policy. */
export interface PolicyPdpOptions {
  /** Asked at each decision, so that it may change. */
  readonly policy: () => CompiledPolicy
  /** Milliseconds since the epoch. A time in a request is not believed. */
  readonly now: () => number
  /**
   * The asking service may assert: properties of subjects and resources, and the context, feed conditions and the
   * resolvers below. Otherwise they are as good as absent. Default false.
   */
  readonly mayAssert?: boolean
  /**
   * What else a subject is: principals such as `group:ops`, besides `type:id`; `undefined` if there is no such
   * subject. Properties are there only if they may be asserted. Default: nothing else.
   */
  readonly principalsOf?: (subject: AuthzenSubject) => readonly string[] | undefined
  /**
   * The canonical path, or the secret elsewhere, of a resource that is not a path already; `undefined` if there is none.
   * Default: only resources of type `secret` whose id is a path, or the canonical URI of a secret elsewhere.
   */
  readonly pathOf?: (resource: AuthzenResource) => string | undefined
  /**
   * All that must be allowed for an action. `undefined` or an empty list denies. Default: `PURPOSE_ACTIONS`, else the
   * action of that name.
   */
  readonly actionsOf?: (action: AuthzenAction) => readonly Action[] | undefined
  /** Metadata written under `grant`, if they are at hand; they stand before asserted ones. */
  readonly metadataOf?: (path: string) => EntryMetadata | undefined
  /** What the condition `door` sees. Default: unknown. */
  readonly door?: string
}

const DENIED: AuthzenDecision = Object.freeze({ decision: false })

/**
 * Make a decision point of a policy.
 *
 * A subject is the principal `type:id` and what `principalsOf` adds. An action is a purpose of the Secrets API, or an
 * action of the engine whose name is no purpose. Obligations are answered only to a service that says in
 * `context.supported_obligations` that it knows `custom`; any other is denied what obliges.
 */
export function createPolicyPdp(options: PolicyPdpOptions): AuthzenPdp {
  const { mayAssert = false } = options
  return {
    decide(subject, action, resource, context) {
      const asserted = mayAssert
        ? ([subject, resource] as const)
        : ([bare(subject), bare(resource)] as const)
      const principals = principalsOf(asserted[0], options)
      const path = pathOf(asserted[1], options)
      const actions = (options.actionsOf ?? authzenActions)(action)
      if (principals === undefined || path === undefined || actions === undefined) return DENIED
      const facts: Context = {
        ...assertedFacts(mayAssert, subject, resource, context),
        ...metadataOf(path, options),
        // It is the asking service that proved the subject, if anybody did.
        proof: 'asserted',
        door: options.door,
        purpose: isPurpose(action.name) ? action.name : undefined,
      }
      const policy = options.policy()
      const interned = policy.subject(principals)
      const time = options.now()
      const decisions = actions.map((one) =>
        policy.decide({ subject: interned, action: one, resource: path, time, context: facts }),
      )
      return authzenDecision(decisions, context)
    },
  }
}

function principalsOf(
  subject: AuthzenSubject,
  options: PolicyPdpOptions,
): readonly string[] | undefined {
  const own = `${subject.type}:${subject.id}`
  // A type with a colon would be another type with another id.
  if (!PRINCIPAL.test(own) || subject.type.includes(':')) return undefined
  if (options.principalsOf === undefined) return [own]
  const others = options.principalsOf(subject)
  return others && [own, ...others]
}

function pathOf(resource: AuthzenResource, options: PolicyPdpOptions): string | undefined {
  const { type, id } = resource
  const isPath = type === 'secret' && id.startsWith('/')
  const path = isPath ? id : (options.pathOf ?? foreignSecretIn)(resource)
  return path !== undefined && (isCanonicalPath(path) || isForeignSecret(path)) ? path : undefined
}

function foreignSecretIn({ type, id }: AuthzenResource): string | undefined {
  return type === 'secret' ? foreignSecretOf(id) : undefined
}

function metadataOf(path: string, { metadataOf }: PolicyPdpOptions): Pick<Context, 'metadata'> {
  const metadata = metadataOf?.(path)
  return metadata === undefined ? {} : { metadata }
}

/** What a service that may assert says of the conditions; where it says two things, nothing is known. */
function assertedFacts(
  mayAssert: boolean,
  subject: AuthzenSubject,
  resource: AuthzenResource,
  context: AuthzenContext | undefined,
): Context {
  if (!mayAssert) return {}
  const one = (name: string): unknown => {
    const values = [subject.properties, context].flatMap((members) => own(members, name) ?? [])
    return values.every((value) => value === values[0]) ? values[0] : undefined
  }
  const [mfa, ip] = [one('mfa'), one('ip')]
  const texts = Object.entries(resource.properties ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return {
    mfa: typeof mfa === 'boolean' ? mfa : undefined,
    ip: typeof ip === 'string' ? ip : undefined,
    metadata: Object.fromEntries(texts),
  }
}

function own(members: AuthzenProperties | undefined, name: string): unknown {
  return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined
}

function bare<T extends AuthzenSubject | AuthzenResource>({
  type,
  id,
}: T): { type: string; id: string } {
  return { type, id }
}
