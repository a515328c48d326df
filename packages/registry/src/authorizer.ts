/** The one place where policy is asked (DESIGN §2): decisions for callers, and the error that a denial is. */
import {
  type CompiledPolicy,
  type Context,
  type CoverOptions,
  compile,
  type Decision,
  type ExplainOptions,
  type Explanation,
  type PolicyRequest,
  type Subject,
  type VaultIdentity,
} from '@secreg/policy-engine'
import { type Action, type Caller, SecregError } from '@secreg/protocol'
import type { Mounts } from './mounts.ts'
import { type AboutEntry, type Described, grantedMetadata, usageOf } from './policy/about-entry.ts'
import { asksMetadata, asksUsage, type Document, hasObligations } from './policy/document-facts.ts'
import { identityOf } from './policy/principals.ts'

/** Policies that have to allow it too, and the caller as they know him. */
interface Bound {
  readonly policy: CompiledPolicy
  readonly subject: Subject
}

/** What policy may know about a caller beside the principals. */
interface CallerFacts {
  /** As the policies in force know him. */
  readonly subject: Subject
  readonly context: Context
  /** What bounds him beside. */
  readonly bound: Bound | undefined
}

/**
 * The answer for everything below a prefix: one for all, or one for each path, with its entry where there is one. The
 * entry is asked for only where policies look at it.
 */
export type EntryFilter = 'all' | 'none' | ((path: string, entry?: () => Described) => boolean)

/** An explanation, with what only the registry knows. */
export type Told = Omit<Explanation, 'reason'> & { readonly reason: string }

/** What limits a rule that is to be granted, as it stands in its document. */
export interface CoverConditions {
  readonly when?: unknown
  readonly unless?: unknown
  readonly obligations?: unknown
}

const WITHHELD: Decision = Object.freeze({ decision: 'deny', rules: Object.freeze([]) })

const NOTHING_SAID: AboutEntry = Object.freeze({})

const OBLIGED = 'allowed only with obligations that this door cannot keep'

/** Boundaries that are kept compiled; forgotten together when they are more. */
const MAX_BOUNDARIES = 256

export class Authorizer {
  readonly #now: () => number
  readonly #mounts: Pick<Mounts, 'at'> | undefined
  #documents: ReadonlyMap<string, Document> = new Map()
  #policy: CompiledPolicy = compile([])
  #boundaries = new Map<string, CompiledPolicy>()
  #facts = new WeakMap<Caller, CallerFacts>()
  /** Ids of the policies of which an allow comes with an obligation, so that a filter alone says too much. */
  readonly #obliged = new Set<string>()
  /** Ids of the policies with conditions about metadata. */
  readonly #askingMetadata = new Set<string>()
  /** Ids of the policies with conditions about what an entry is for. */
  readonly #askingUsage = new Set<string>()
  #changes = 0

  /** @param mounts - whose write rules tell what an entry is for; default nothing is known of that */
  constructor(now: () => number, mounts?: Pick<Mounts, 'at'>) {
    this.#now = now
    this.#mounts = mounts
  }

  /**
   * Decide by these documents from the next operation on.
   *
   * @param documents - by their ids
   * @param policy - the same, compiled
   */
  use(documents: ReadonlyMap<string, Document>, policy: CompiledPolicy): void {
    for (const [id, document] of documents) {
      if (this.#documents.get(id) === document) continue
      note(this.#obliged, id, hasObligations(document))
      note(this.#askingMetadata, id, asksMetadata(document))
      note(this.#askingUsage, id, asksUsage(document))
    }
    for (const ids of [this.#obliged, this.#askingMetadata, this.#askingUsage]) {
      for (const id of ids) if (!documents.has(id)) ids.delete(id)
    }
    this.#changes++
    this.#policy = policy
    this.#documents = documents
    this.#boundaries = new Map()
    this.#facts = new WeakMap()
  }

  /** How often other documents have been taken. */
  get changes(): number {
    return this.#changes
  }

  /** Whether a decision about an entry depends on what the entry says of itself. */
  get asksEntry(): boolean {
    return this.#askingMetadata.size > 0 || this.asksUsage
  }

  /** The same of what it is for. */
  get asksUsage(): boolean {
    return this.#askingUsage.size > 0
  }

  /** The policies in force, compiled. */
  get policy(): CompiledPolicy {
    return this.#policy
  }

  /** Ids of the policies in force. */
  get policyIds(): readonly string[] {
    return this.#policy.documents
  }

  /** @param entry - that the resource is, where there is one, or that it is to be: conditions may ask about it */
  allows(caller: Caller, action: Action, resource: string, entry?: Described): boolean {
    return this.#allows(caller, action, resource, this.#aboutEntry(resource, entry))
  }

  /** @throws SecregError `ERR_ACCESS_DENIED`, alike for what exists and what does not */
  require(caller: Caller, action: Action, resource: string, entry?: Described): void {
    if (!this.allows(caller, action, resource, entry)) throw accessDenied()
  }

  /** Whether some rule denies it, as opposed to none allowing it: for what is allowed otherwise than by policy. */
  forbids(caller: Caller, action: Action, resource: string): boolean {
    const { context, subject } = this.#factsOf(caller)
    const { decision, rules } = this.#policy.decide({
      subject,
      action,
      resource,
      time: this.#now(),
      context,
    })
    return decision === 'deny' && rules.length > 0
  }

  /**
   * Decide for everything below a prefix; `''` is the root. Where conditions ask about entries, the answer for one path
   * is certain only with its entry, as {@link passes} hands it over: without, it is as if nothing were known of it.
   */
  filter(caller: Caller, action: Action, prefix: string): EntryFilter {
    if (caller.withheld?.includes(action) === true) return 'none'
    const { bound, context, subject } = this.#factsOf(caller)
    const root = prefix === '' ? '/' : prefix
    const time = this.#now()
    const own = this.#policy.filter(subject, action, root, time, context)
    if (own === 'none') return own
    const by = bound?.policy.filter(bound.subject, action, root, time, context) ?? 'all'
    if (by === 'none') return by
    if (own === 'all' && by === 'all' && this.#obliged.size === 0) return 'all'
    return (path, entry) => {
      const isAsked = entry !== undefined && this.asksEntry
      const about = isAsked ? this.#aboutEntry(path, entry()) : NOTHING_SAID
      return this.#allows(caller, action, path, about)
    }
  }

  /**
   * Whether a caller may do something to everything that a pattern matches, by rules that ask for no more than these
   * conditions: the measure of what he may grant (see `CompiledPolicy.covers`).
   *
   * @param policy - in place of the policies in force
   */
  covers(
    caller: Caller,
    action: Action,
    pattern: string,
    conditions: CoverConditions,
    policy?: CompiledPolicy,
  ): boolean {
    const { bound, subject } = this.#factsOf(caller)
    const options = conditions as CoverOptions
    const own =
      policy === undefined
        ? this.#policy.covers(subject, action, pattern, options)
        : policy.covers(caller.principals, action, pattern, options)
    return own && (bound?.policy.covers(bound.subject, action, pattern, options) ?? true)
  }

  /** Why a caller may or may not do something, in terms that he may see (DESIGN §7). */
  explain(
    caller: Caller,
    request: Pick<PolicyRequest, 'action' | 'resource' | 'time' | 'context'>,
    options: ExplainOptions,
  ): Told {
    const { bound, subject } = this.#factsOf(caller)
    const told = this.#policy.explain({ ...request, subject }, options)
    const { decision, obligations } = this.#policy.decide({ ...request, subject })
    if (decision !== 'allow') return told
    if (obligations !== undefined) return { ...told, decision: 'deny', reason: OBLIGED }
    const by = bound?.policy.decide({ ...request, subject: bound.subject })
    if (by === undefined || (by.decision === 'allow' && by.obligations === undefined)) return told
    return { ...told, decision: 'deny', reason: 'outside the boundary of the token' }
  }

  /**
   * What policy says of a caller, and what his boundary says: he may only if all of it allows, and is obliged to all of
   * it. For who answers with obligations; doors of the registry ask {@link allows}.
   */
  decisions(
    caller: Caller,
    request: Pick<PolicyRequest, 'action' | 'resource' | 'time' | 'context'>,
  ): readonly Decision[] {
    if (caller.withheld?.includes(request.action) === true) return [WITHHELD]
    const { bound, subject } = this.#factsOf(caller)
    const own = this.#policy.decide({ ...request, subject })
    if (bound === undefined) return [own]
    return [own, bound.policy.decide({ ...request, subject: bound.subject })]
  }

  /** The questions that conditions ask, answered for a caller as he is now. */
  contextOf(caller: Caller): Context {
    return this.#factsOf(caller).context
  }

  #allows(caller: Caller, action: Action, resource: string, about: AboutEntry): boolean {
    if (caller.withheld?.includes(action) === true) return false
    const facts = this.#factsOf(caller)
    const { bound, subject } = facts
    const time = this.#now()
    const context = about === NOTHING_SAID ? facts.context : { ...facts.context, ...about }
    if (caller.permitted !== undefined) {
      return caller.permitted.some((purpose) => {
        const asked = { action, resource, time, context: { ...context, purpose } }
        return this.decisions(caller, asked).every(({ decision }) => decision === 'allow')
      })
    }
    const own = this.#policy.decide({ subject, action, resource, time, context })
    // No door of the registry can enforce a time to live or a use count, so such an allow denies (DESIGN §7).
    if (own.decision !== 'allow' || own.obligations !== undefined) return false
    if (bound === undefined) return true
    const by = bound.policy.decide({ subject: bound.subject, action, resource, time, context })
    return by.decision === 'allow' && by.obligations === undefined
  }

  /** What policies ask about an entry; `undefined`: there is none at that path. */
  #aboutEntry(path: string, entry: Described | undefined): AboutEntry {
    if (!this.asksEntry) return NOTHING_SAID
    const mount = this.asksUsage ? this.#mounts?.at(path) : undefined
    const usage = mount === undefined ? undefined : usageOf(mount, path, entry)
    const asksMetadata = this.#askingMetadata.size > 0
    if (!asksMetadata && usage === undefined) return NOTHING_SAID
    return {
      ...(asksMetadata ? { metadata: grantedMetadata(entry) } : {}),
      ...(usage === undefined ? {} : { usage }),
    }
  }

  #factsOf(caller: Caller): CallerFacts {
    let facts = this.#facts.get(caller)
    if (facts === undefined) {
      const { boundary, principals } = caller
      facts = {
        subject: this.#policy.subject(principals, identityOfCaller(caller)),
        context: contextOf(caller),
        bound: boundary === undefined ? undefined : this.#boundOf(boundary, caller),
      }
      this.#facts.set(caller, facts)
    }
    return facts
  }

  /** Policies that alone must allow it. One that is not there allows nothing. */
  #boundOf(ids: readonly string[], caller: Caller): Bound {
    const key = ids.join()
    let policy = this.#boundaries.get(key)
    if (policy === undefined) {
      policy = compile(ids.flatMap((id) => this.#documents.get(id) ?? []))
      if (this.#boundaries.size >= MAX_BOUNDARIES) this.#boundaries.clear()
      this.#boundaries.set(key, policy)
    }
    const own = ids.map((id) => `boundary:${id}`)
    const principals = [...caller.principals, ...own]
    return { policy, subject: policy.subject(principals, identityOfCaller(caller)) }
  }
}

function note(ids: Set<string>, id: string, is: boolean): void {
  if (is) ids.add(id)
  else ids.delete(id)
}

function identityOfCaller({ accountId, groups, login }: Caller): VaultIdentity {
  return identityOf(accountId, login, groups)
}

function contextOf({ mfa, door, proof, address }: Caller): Context {
  const ip = door === 'http' && address !== undefined ? { ip: address } : {}
  return { mfa, door, proof, ...ip }
}

/** Whether a filter lets a path pass; the entry is asked for only where it may matter. */
export function passes(
  filter: EntryFilter | undefined,
  path: string,
  entry?: () => Described,
): boolean {
  return typeof filter === 'function' ? filter(path, entry) : filter === 'all'
}

export function accessDenied(): SecregError {
  return new SecregError('ACCESS_DENIED', 'permission denied')
}
