/** The one place where policy is asked (DESIGN §2): decisions for callers, and the error that a denial is. */
import {
  type CompiledPolicy,
  type Context,
  type CoverOptions,
  compile,
  type EntryMetadata,
  type ExplainOptions,
  type Explanation,
  type Filter,
  type PolicyRequest,
  type Subject,
  type VaultIdentity,
} from '@secreg/policy-engine'
import { type Action, type Caller, SecregError } from '@secreg/protocol'
import type { Entry } from './entry.ts'
import { asksMetadata, type Document, hasObligations } from './policy/document-facts.ts'
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

/** An explanation, with what only the registry knows. */
export type Told = Omit<Explanation, 'reason'> & { readonly reason: string }

/** What limits a rule that is to be granted, as it stands in its document. */
export interface CoverConditions {
  readonly when?: unknown
  readonly unless?: unknown
  readonly obligations?: unknown
}

const OBLIGED = 'allowed only with obligations that this door cannot keep'

/** Boundaries that are kept compiled; forgotten together when they are more. */
const MAX_BOUNDARIES = 256

export class Authorizer {
  readonly #now: () => number
  #documents: ReadonlyMap<string, Document> = new Map()
  #policy: CompiledPolicy = compile([])
  #boundaries = new Map<string, CompiledPolicy>()
  #facts = new WeakMap<Caller, CallerFacts>()
  /** Ids of the policies of which an allow comes with an obligation, so that a filter alone says too much. */
  readonly #obliged = new Set<string>()
  /** Ids of the policies with conditions about metadata. */
  readonly #askingMetadata = new Set<string>()

  constructor(now: () => number) {
    this.#now = now
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
    }
    for (const ids of [this.#obliged, this.#askingMetadata]) {
      for (const id of ids) if (!documents.has(id)) ids.delete(id)
    }
    this.#policy = policy
    this.#documents = documents
    this.#boundaries = new Map()
    this.#facts = new WeakMap()
  }

  /** Whether a decision about an entry depends on what the entry says of itself. */
  get asksMetadata(): boolean {
    return this.#askingMetadata.size > 0
  }

  /** The policies in force, compiled. */
  get policy(): CompiledPolicy {
    return this.#policy
  }

  /** Ids of the policies in force. */
  get policyIds(): readonly string[] {
    return this.#policy.documents
  }

  /** @param entry - that the resource is, where there is one: conditions may ask for its metadata */
  allows(caller: Caller, action: Action, resource: string, entry?: Entry): boolean {
    return this.#allows(
      caller,
      action,
      resource,
      this.asksMetadata ? grantedMetadata(entry) : undefined,
    )
  }

  /** @throws SecregError `ERR_ACCESS_DENIED`, alike for what exists and what does not */
  require(caller: Caller, action: Action, resource: string, entry?: Entry): void {
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
   * Decide for everything below a prefix; `''` is the root. Where conditions ask for metadata, the answer for one path
   * is certain only with those of its entry, as {@link passes} hands them over.
   */
  filter(caller: Caller, action: Action, prefix: string): Filter {
    const { bound, context, subject } = this.#factsOf(caller)
    const root = prefix === '' ? '/' : prefix
    const time = this.#now()
    const own = this.#policy.filter(subject, action, root, time, context)
    if (own === 'none') return own
    const by = bound?.policy.filter(bound.subject, action, root, time, context) ?? 'all'
    if (by === 'none') return by
    if (own === 'all' && by === 'all' && this.#obliged.size === 0) return 'all'
    return (path, metadata) => this.#allows(caller, action, path, metadata)
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

  /** The questions that conditions ask, answered for a caller as he is now. */
  contextOf(caller: Caller): Context {
    return this.#factsOf(caller).context
  }

  #allows(
    caller: Caller,
    action: Action,
    resource: string,
    metadata: EntryMetadata | undefined,
  ): boolean {
    const facts = this.#factsOf(caller)
    const { bound, subject } = facts
    const time = this.#now()
    const context = metadata === undefined ? facts.context : { ...facts.context, metadata }
    const own = this.#policy.decide({ subject, action, resource, time, context })
    // No door of the registry can enforce a time to live or a use count yet, so such an allow denies (DESIGN §7).
    if (own.decision !== 'allow' || own.obligations !== undefined) return false
    if (bound === undefined) return true
    const by = bound.policy.decide({ subject: bound.subject, action, resource, time, context })
    return by.decision === 'allow' && by.obligations === undefined
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
export function passes(filter: Filter | undefined, path: string, entry?: () => Entry): boolean {
  if (typeof filter !== 'function') return filter === 'all'
  return filter(path, entry === undefined ? undefined : grantedMetadata(entry()))
}

/** What policy may know of an entry: only what was written under `grant` (DESIGN §7). */
export function grantedMetadata(entry: Entry | undefined): EntryMetadata {
  const { custom = {}, granted = [] } = entry?.metadata ?? {}
  return Object.fromEntries(granted.map((name) => [name, custom[name] ?? '']))
}

export function accessDenied(): SecregError {
  return new SecregError('ACCESS_DENIED', 'permission denied')
}
