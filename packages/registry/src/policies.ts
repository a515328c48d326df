/** The policy documents in force: read at start and unsealing, changed with the commits that change them. */
import { SecregError } from '@secreg/protocol'
import type { Engine, Op, Row } from '@secreg/storage'
import type { Authorizer } from './authorizer.ts'
import { POLICY_SPACE } from './keys.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

export class Policies {
  readonly #engine: Engine
  readonly #authorizer: Authorizer
  #documents = new Map<string, unknown>()

  constructor(engine: Engine, authorizer: Authorizer) {
    this.#engine = engine
    this.#authorizer = authorizer
  }

  /**
   * Read all documents from the store and decide by them.
   *
   * @throws SecregError `ERR_STORAGE_CORRUPT` when one is not valid; the old ones then stay in force
   */
  async load(): Promise<void> {
    const documents = new Map<string, unknown>()
    for await (const row of this.#engine.iterate(POLICY_SPACE)) documents.set(row.key, parse(row))
    this.#use(documents)
  }

  /** Take a committed change into force, before its answer. */
  apply(ops: readonly Op[]): void {
    const documents = new Map(this.#documents)
    let changed = false
    for (const op of ops) {
      if (!op.key.startsWith(POLICY_SPACE.gte)) continue
      changed = true
      if (op.type === 'put') documents.set(op.key, parse(op))
      else documents.delete(op.key)
    }
    if (changed) this.#use(documents)
  }

  #use(documents: Map<string, unknown>): void {
    try {
      this.#authorizer.load([...documents.values()])
    } catch (cause) {
      throw new SecregError('STORAGE_CORRUPT', 'a stored policy is not valid', { cause })
    }
    this.#documents = documents
  }
}

function parse(row: Pick<Row, 'value'>): unknown {
  return JSON.parse(decoder.decode(row.value))
}
