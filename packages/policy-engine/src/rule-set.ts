/** The rules of some documents, by principal and pattern. It never changes; another one shares what is equal. */

import { PersistentMap } from './persistent-map.ts'
import type { CompiledDocument, Rule } from './rule.ts'
import { TrieEdit, type TrieNode, TrieNumbers } from './trie.ts'

/** Documents and the tries of all principals that their rules name. */
export class RuleSet {
  readonly #documents: PersistentMap<CompiledDocument>
  readonly #tries: PersistentMap<TrieNode>
  readonly #numbers: TrieNumbers
  readonly ruleCount: number
  /** Larger than the order of every document. */
  readonly nextOrder: number
  #listed: readonly CompiledDocument[] | undefined

  private constructor(
    documents: PersistentMap<CompiledDocument>,
    tries: PersistentMap<TrieNode>,
    numbers: TrieNumbers,
    ruleCount: number,
    nextOrder: number,
  ) {
    this.#documents = documents
    this.#tries = tries
    this.#numbers = numbers
    this.ruleCount = ruleCount
    this.nextOrder = nextOrder
  }

  static empty(): RuleSet {
    return new RuleSet(PersistentMap.empty(), PersistentMap.empty(), new TrieNumbers(), 0, 0)
  }

  /** In their order. */
  get documents(): readonly CompiledDocument[] {
    this.#listed ??= [...this.#documents.values()].sort((a, b) => a.order - b.order)
    return this.#listed
  }

  document(id: string): CompiledDocument | undefined {
    return this.#documents.get(id)
  }

  trie(principal: string): TrieNode | undefined {
    return this.#tries.get(principal)
  }

  /** Principals that rules name, each with its trie, in no particular order. */
  tries(): Iterable<[string, TrieNode]> {
    return this.#tries.entries()
  }

  /** The set with other documents in place of those with the same ids, and without those that are `undefined`. */
  with(changes: ReadonlyMap<string, CompiledDocument | undefined>): RuleSet {
    const edit = new TrieEdit(this.#numbers)
    const roots = new Map<string, TrieNode | undefined>()
    const each = (rules: readonly Rule[], change: 'insert' | 'remove'): void => {
      for (const rule of rules) {
        for (const principal of rule.principals) {
          let root = roots.has(principal) ? roots.get(principal) : this.#tries.get(principal)
          for (const pattern of rule.resources) root = edit[change](root, pattern, rule)
          roots.set(principal, root)
        }
      }
    }
    let { ruleCount, nextOrder } = this
    for (const [id, document] of changes) {
      const old = this.#documents.get(id)?.rules ?? []
      const now = document?.rules ?? []
      each(old, 'remove')
      each(now, 'insert')
      ruleCount += now.length - old.length
      nextOrder = Math.max(nextOrder, (document?.order ?? 0) + 1)
    }
    return new RuleSet(
      this.#documents.with(changes),
      this.#tries.with(roots),
      this.#numbers,
      ruleCount,
      nextOrder,
    )
  }
}
