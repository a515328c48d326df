/** The one place where policy is asked (DESIGN §2): decisions for callers, and the error that a denial is. */
import { type CompiledPolicy, compile, type Filter, type Subject } from '@secreg/policy-engine'
import { type Action, type Caller, SecregError } from '@secreg/protocol'

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
  }

  /** Ids of the policies in force. */
  get policyIds(): readonly string[] {
    return this.#policy.documents
  }

  allows(caller: Caller, action: Action, resource: string): boolean {
    const { subject, context } = this.#factsOf(caller)
    const decision = this.#policy.decide({ subject, action, resource, time: this.#now(), context })
    // No door of the registry can enforce a time to live or a use count yet, so such an allow denies (DESIGN §7).
    return decision.decision === 'allow' && decision.obligations === undefined
  }

  /** @throws SecregError `ERR_ACCESS_DENIED`, alike for what exists and what does not */
  require(caller: Caller, action: Action, resource: string): void {
    if (!this.allows(caller, action, resource)) throw accessDenied()
  }

  /** Decide for everything below a prefix; `''` is the root. */
  filter(caller: Caller, action: Action, prefix: string): Filter {
    const { subject, context } = this.#factsOf(caller)
    const root = prefix === '' ? '/' : prefix
    const filter = this.#policy.filter(subject, action, root, this.#now(), context)
    if (!this.#obliged || filter === 'none') return filter
    return (path) => this.allows(caller, action, path)
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

/** Whether a filter lets a path pass. */
export function passes(filter: Filter | undefined, path: string): boolean {
  return filter === 'all' || (typeof filter === 'function' && filter(path))
}

export function accessDenied(): SecregError {
  return new SecregError('ACCESS_DENIED', 'permission denied')
}
