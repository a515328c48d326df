/** The one place where policy is asked (DESIGN §2): decisions for callers, and the error that a denial is. */
import {
  type CompiledPolicy,
  compile,
  type EntryMetadata,
  type Filter,
  type Subject,
} from '@secreg/policy-engine'
import { type Action, type Caller, SecregError } from '@secreg/protocol'
import type { Entry } from './entry.ts'

/** What policy may know about a caller beside the principals. */
interface CallerFacts {
  readonly subject: Subject
  readonly context: {
    readonly mfa: boolean
    readonly door: string
    readonly proof: Caller['proof']
    readonly ip?: string
  }
}

export class Authorizer {
  readonly #now: () => number
  #policy: CompiledPolicy = compile([])
  #facts = new WeakMap<Caller, CallerFacts>()
  /** Some allow comes with an obligation, so that a filter alone says too much. */
  #obliged = false
  #asksMetadata = false

  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * Decide by these documents from the next operation on.
   *
   * @throws PolicyError when a document is not valid; the old ones then stay in force
   */
  load(documents: readonly unknown[]): void {
    this.#policy = compile(documents)
    this.#facts = new WeakMap()
    this.#obliged = documents.some(hasObligations)
    this.#asksMetadata = documents.some(hasMetadataConditions)
  }

  /** Whether a decision about an entry depends on what the entry says of itself. */
  get asksMetadata(): boolean {
    return this.#asksMetadata
  }

  /** Ids of the policies in force. */
  get policyIds(): readonly string[] {
    return this.#policy.documents
  }

  /** @param entry - that the resource is, where there is one: conditions may ask for its metadata */
  allows(caller: Caller, action: Action, resource: string, entry?: Entry): boolean {
    const { subject, context } = this.#factsOf(caller)
    const decision = this.#policy.decide({
      subject,
      action,
      resource,
      time: this.#now(),
      context: this.#asksMetadata ? { ...context, metadata: grantedMetadata(entry) } : context,
    })
    // No door of the registry can enforce a time to live or a use count yet, so such an allow denies (DESIGN §7).
    return decision.decision === 'allow' && decision.obligations === undefined
  }

  /** @throws SecregError `ERR_ACCESS_DENIED`, alike for what exists and what does not */
  require(caller: Caller, action: Action, resource: string, entry?: Entry): void {
    if (!this.allows(caller, action, resource, entry)) throw accessDenied()
  }

  /**
   * Decide for everything below a prefix; `''` is the root. Where conditions ask for metadata, the answer for one path
   * is certain only with those of its entry, as {@link passes} hands them over.
   */
  filter(caller: Caller, action: Action, prefix: string): Filter {
    const { subject, context } = this.#factsOf(caller)
    const root = prefix === '' ? '/' : prefix
    const filter = this.#policy.filter(subject, action, root, this.#now(), context)
    if (!this.#obliged || filter === 'none') return filter
    return (path, metadata) => this.#allowsWith(caller, action, path, metadata)
  }

  #allowsWith(caller: Caller, action: Action, resource: string, metadata?: EntryMetadata): boolean {
    const { subject, context } = this.#factsOf(caller)
    const full = metadata === undefined ? context : { ...context, metadata }
    const time = this.#now()
    const decision = this.#policy.decide({ subject, action, resource, time, context: full })
    return decision.decision === 'allow' && decision.obligations === undefined
  }

  #factsOf(caller: Caller): CallerFacts {
    let facts = this.#facts.get(caller)
    if (facts === undefined) {
      const { mfa, door, proof, address } = caller
      facts = {
        subject: this.#policy.subject(caller.principals),
        context: {
          mfa,
          door,
          proof,
          ...(door === 'http' && address !== undefined ? { ip: address } : {}),
        },
      }
      this.#facts.set(caller, facts)
    }
    return facts
  }
}

function hasObligations(document: unknown): boolean {
  const { rules } = document as { readonly rules?: readonly { readonly obligations?: unknown }[] }
  return rules?.some(({ obligations }) => obligations !== undefined) === true
}

/** Whether a filter lets a path pass; the entry is asked for only where it may matter. */
export function passes(filter: Filter | undefined, path: string, entry?: () => Entry): boolean {
  if (typeof filter !== 'function') return filter === 'all'
  return filter(path, entry === undefined ? undefined : grantedMetadata(entry()))
}

/** What policy may know of an entry: only what was written under `grant` (DESIGN §7). */
function grantedMetadata(entry: Entry | undefined): EntryMetadata {
  const { custom = {}, granted = [] } = entry?.metadata ?? {}
  return Object.fromEntries(granted.map((name) => [name, custom[name] ?? '']))
}

function hasMetadataConditions(document: unknown): boolean {
  type Conditions = { readonly metadata?: unknown } | undefined
  const { rules } = document as {
    readonly rules?: readonly { readonly when?: Conditions; readonly unless?: Conditions }[]
  }
  return (
    rules?.some(
      ({ when, unless }) => when?.metadata !== undefined || unless?.metadata !== undefined,
    ) === true
  )
}

export function accessDenied(): SecregError {
  return new SecregError('ACCESS_DENIED', 'permission denied')
}
