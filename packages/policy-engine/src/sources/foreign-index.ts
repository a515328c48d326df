/**
 * The foreign documents of a compiled policy, and which of them apply to a subject. It never changes; another one is
 * made where a change concerns a foreign document.
 */

import { PolicyError } from '../errors.ts'
import type { CompiledDocument } from '../rule.ts'
import { AclRules } from './acl/rules.ts'
import { LibvirtRules } from './libvirt/rules.ts'
import type { LibvirtSource } from './libvirt/source.ts'
import { type ForeignSource, principalsIn, rulesOf } from './read.ts'
import { SetecRules } from './setec/source.ts'
import type { ForeignRules } from './source.ts'
import { VaultRules } from './vault/rules.ts'
import type { VaultSource } from './vault/source.ts'
import type { VaultIdentity } from './vault/template.ts'

/** A foreign document. */
type Foreign = CompiledDocument & { readonly foreign: ForeignSource }

/** Rule sets that are kept; dropped together when they are more. */
const MAX_KEPT = 1024

const NONE: readonly never[] = Object.freeze([])
const NO_IDENTITY: VaultIdentity = Object.freeze({})

/** Foreign documents by principal. */
export class ForeignIndex {
  readonly ruleCount: number
  readonly #documents: ReadonlyMap<string, Foreign>
  readonly #byPrincipal = new Map<string, Foreign[]>()
  #kept = new Map<string, ForeignRules>()

  private constructor(documents: ReadonlyMap<string, Foreign>) {
    this.#documents = documents
    let ruleCount = 0
    for (const document of documents.values()) {
      ruleCount += rulesOf(document.foreign)
      for (const principal of document.foreign.principals) {
        const known = this.#byPrincipal.get(principal)
        if (known === undefined) this.#byPrincipal.set(principal, [document])
        else known.push(document)
      }
    }
    this.ruleCount = ruleCount
  }

  static empty(): ForeignIndex {
    return new ForeignIndex(new Map())
  }

  /** Principals that the documents and their rules name, `*` among them. */
  principals(): ReadonlySet<string> {
    const documents = [...this.#documents.values()]
    return new Set(documents.flatMap(({ foreign }) => [...principalsIn(foreign)]))
  }

  /**
   * The index with other documents in place of those with the same ids, and without those that are `undefined`.
   *
   * @param changes in the order in which they were given
   * @throws PolicyError if two documents call one mount of Vault differently
   */
  with(changes: ReadonlyMap<string, CompiledDocument | undefined>): ForeignIndex {
    const concerned = [...changes].some(([id, document]) => {
      return document?.foreign !== undefined || this.#documents.has(id)
    })
    if (!concerned) return this
    const documents = new Map(this.#documents)
    for (const [id, document] of changes) {
      if (document !== undefined && isForeign(document)) documents.set(id, document)
      else documents.delete(id)
    }
    checkMounts(documents, [...changes.keys()])
    return new ForeignIndex(documents)
  }

  /** The documents that apply to a subject, in their order. */
  applying(principals: readonly string[]): readonly Foreign[] {
    if (this.#documents.size === 0 || principals.length === 0) return NONE
    const applying = new Set(
      [...principals, '*'].flatMap((name) => this.#byPrincipal.get(name) ?? []),
    )
    return [...applying].sort((a, b) => a.order - b.order)
  }

  /**
   * The foreign rules of a subject, in the order of the documents.
   *
   * @returns `undefined` if there are none
   */
  bind(
    principals: readonly string[],
    identity: VaultIdentity = NO_IDENTITY,
  ): readonly ForeignRules[] | undefined {
    const applying = this.applying(principals)
    if (applying.length === 0) return undefined
    const groups = new Map<string, Foreign[]>()
    for (const document of applying) {
      const { kind, mount, id } = document.foreign
      // Vault's and libvirt's documents of one mount are one rule set, the others each their own.
      const key = kind === 'vault' || kind === 'libvirt' ? `${kind} ${mount}` : `document ${id}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [document])
      else group.push(document)
    }
    const named: ReadonlySet<string> = new Set(principals)
    return [...groups.values()].map((group) => this.#rulesOf(group, named, identity))
  }

  #rulesOf(
    group: readonly Foreign[],
    named: ReadonlySet<string>,
    identity: VaultIdentity,
  ): ForeignRules {
    const sources = group.map(({ foreign }) => foreign)
    const [first] = sources
    // ACLs know their subject; making one costs nothing.
    if (first?.kind === 'acl') return new AclRules(first, named)
    const ids = JSON.stringify(group.map(({ id }) => id))
    if (first?.kind === 'setec') return this.#keep(ids, () => new SetecRules(first))
    if (first?.kind === 'libvirt') {
      return this.#keep(ids, () => new LibvirtRules(sources as readonly LibvirtSource[]))
    }
    const vault = sources as readonly VaultSource[]
    if (!vault.some((source) => source.templated)) {
      return this.#keep(ids, () => new VaultRules(vault, NO_IDENTITY))
    }
    // A copy, since others may get the rules that are kept for an equal identity.
    const own = JSON.stringify(identity)
    return this.#keep(`${ids} ${own}`, () => new VaultRules(vault, JSON.parse(own)))
  }

  #keep(key: string, make: () => ForeignRules): ForeignRules {
    let rules = this.#kept.get(key)
    if (rules === undefined) {
      rules = make()
      if (this.#kept.size >= MAX_KEPT) this.#kept = new Map()
      this.#kept.set(key, rules)
    }
    return rules
  }
}

function isForeign(document: CompiledDocument): document is Foreign {
  return document.foreign !== undefined
}

/** One mount has one name in the API of Vault, or its documents could not be one rule set. */
function checkMounts(documents: ReadonlyMap<string, Foreign>, changed: readonly string[]): void {
  const names = new Map<string, string>()
  for (const [id, { foreign }] of documents) {
    if (foreign.kind === 'vault' && !changed.includes(id))
      names.set(foreign.mount, foreign.apiMount)
  }
  for (const [documentIndex, document] of changed.entries()) {
    const foreign = documents.get(document)?.foreign
    if (foreign?.kind !== 'vault') continue
    if ((names.get(foreign.mount) ?? foreign.apiMount) !== foreign.apiMount) {
      const place = { documentIndex, document, pointer: '/apiMount' }
      throw new PolicyError(
        'ERR_POLICY_PATTERN',
        'another document names this mount otherwise',
        place,
      )
    }
    names.set(foreign.mount, foreign.apiMount)
  }
}
