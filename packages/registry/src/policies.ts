/** The policy documents in force: read at start and unsealing, changed with the commits that change them. */
import { type CompiledPolicy, compile } from '@secreg/policy-engine'
import { SecregError } from '@secreg/protocol'
import type { Engine, Op } from '@secreg/storage'
import type { Authorizer } from './authorizer.ts'
import { POLICY_SPACE, policyIdOf } from './keys.ts'
import type { Document } from './policy/document-facts.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** Documents by their ids, and what they say together. */
export interface PolicySet {
  readonly documents: ReadonlyMap<string, Document>
  readonly compiled: CompiledPolicy
}

export class Policies {
  readonly #engine: Engine
  readonly #authorizer: Authorizer
  #documents: ReadonlyMap<string, Document> = new Map()

  constructor(engine: Engine, authorizer: Authorizer) {
    this.#engine = engine
    this.#authorizer = authorizer
  }

  /** What is in force. */
  get current(): PolicySet {
    return { documents: this.#documents, compiled: this.#authorizer.policy }
  }

  /**
   * Read all documents from the store and decide by them.
   *
   * @throws SecregError `ERR_STORAGE_CORRUPT` when one is not valid; the old ones then stay in force
   */
  async load(): Promise<void> {
    const documents = new Map<string, Document>()
    for await (const row of this.#engine.iterate(POLICY_SPACE)) {
      documents.set(policyIdOf(row.key), decodePolicy(row))
    }
    this.#use(() => ({ documents, compiled: compile([...documents.values()]) }))
  }

  /** Take a committed change into force, before its answer. */
  apply(ops: readonly Op[]): void {
    const changes = new Map<string, Document | undefined>()
    for (const op of ops) {
      if (!op.key.startsWith(POLICY_SPACE.gte)) continue
      changes.set(policyIdOf(op.key), op.type === 'put' ? decodePolicy(op) : undefined)
    }
    if (changes.size > 0) this.#use(() => this.preview(changes))
  }

  /**
   * What would be in force with other documents in place of some, or without some.
   *
   * @throws PolicyError
   */
  preview(changes: ReadonlyMap<string, Document | undefined>): PolicySet {
    const documents = withChanges(this.#documents, changes)
    const set = [...changes.values()].filter((document) => document !== undefined)
    const remove = [...changes.keys()].filter((id) => {
      return changes.get(id) === undefined && this.#documents.has(id)
    })
    // A change costs what it is, not what there is: each account has a policy of its own.
    return { documents, compiled: this.#authorizer.policy.replace({ set, remove }) }
  }

  #use(make: () => PolicySet): void {
    try {
      const { documents, compiled } = make()
      this.#authorizer.use(documents, compiled)
      this.#documents = documents
    } catch (cause) {
      throw new SecregError('STORAGE_CORRUPT', 'a stored policy is not valid', { cause })
    }
  }
}

function withChanges(
  documents: ReadonlyMap<string, Document>,
  changes: ReadonlyMap<string, Document | undefined>,
): ReadonlyMap<string, Document> {
  const changed = new Map(documents)
  for (const [id, document] of changes) {
    if (document === undefined) changed.delete(id)
    else changed.set(id, document)
  }
  return changed
}

/** Bytes of the row of a policy. */
export function encodePolicy(document: object): Uint8Array {
  return encoder.encode(JSON.stringify(document))
}

/** The document of a row. */
export function decodePolicy(row: { readonly value: Uint8Array }): Document {
  return JSON.parse(decoder.decode(row.value)) as Document
}
