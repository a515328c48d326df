/** The rules of some documents, by principal and pattern. It never changes; another one shares what is equal. */

import { PersistentMap } from './persistent-map.ts'
import type { CompiledDocument, Rule } from './rule.ts'
import { SECRET_SCHEMES, type SecretScheme } from './secret-uri.ts'
import { TrieEdit, type TrieNode, TrieNumbers } from './trie.ts'

/** What patterns are about: paths, or the secrets of a scheme. Nothing is in two of them. */
export type World = SecretScheme | undefined

/** Every one of them. */
export const WORLDS: readonly World[] = Object.freeze([undefined, ...SECRET_SCHEMES])

type Tries = PersistentMap<TrieNode>

/** Documents and the tries of all principals that their rules name. */
export class RuleSet {
  readonly #documents: PersistentMap<CompiledDocument>
  /** Of paths. */
  readonly #tries: Tries
  /** Of schemes with patterns. */
  readonly #elsewhere: ReadonlyMap<SecretScheme, Tries>
  readonly #numbers: TrieNumbers
  readonly ruleCount: number
  /** Larger than the order of every document. */
  readonly nextOrder: number
  #listed: readonly CompiledDocument[] | undefined

  private constructor(
    documents: PersistentMap<CompiledDocument>,
    tries: Tries,
    elsewhere: ReadonlyMap<SecretScheme, Tries>,
    numbers: TrieNumbers,
    ruleCount: number,
    nextOrder: number,
  ) {
    this.#documents = documents
    this.#tries = tries
    this.#elsewhere = elsewhere
    this.#numbers = numbers
    this.ruleCount = ruleCount
    this.nextOrder = nextOrder
  }

  static empty(): RuleSet {
    const none = PersistentMap.empty
    return new RuleSet(none(), none(), new Map(), new TrieNumbers(), 0, 0)
  }

  /** In their order. */
  get documents(): readonly CompiledDocument[] {
    this.#listed ??= [...this.#documents.values()].sort((a, b) => a.order - b.order)
    return this.#listed
  }

  document(id: string): CompiledDocument | undefined {
    return this.#documents.get(id)
  }

  trie(principal: string, world: World): TrieNode | undefined {
    return world === undefined
      ? this.#tries.get(principal)
      : this.#elsewhere.get(world)?.get(principal)
  }

  /** Principals that rules name, each with its trie, in no particular order. */
  tries(world: World): Iterable<[string, TrieNode]> {
    return (world === undefined ? this.#tries : this.#elsewhere.get(world))?.entries() ?? []
  }

  /** The set with other documents in place of those with the same ids, and without those that are `undefined`. */
  with(changes: ReadonlyMap<string, CompiledDocument | undefined>): RuleSet {
    const edit = new TrieEdit(this.#numbers)
    const changed = new Map<World, Map<string, TrieNode | undefined>>()
    const rootsIn = (world: World): Map<string, TrieNode | undefined> => {
      const known = changed.get(world) ?? new Map<string, TrieNode | undefined>()
      changed.set(world, known)
      return known
    }
    const each = (rules: readonly Rule[], change: 'insert' | 'remove'): void => {
      for (const rule of rules) {
        for (const pattern of rule.resources) {
          const world = pattern.scheme
          const roots = rootsIn(world)
          for (const principal of rule.principals) {
            const known = roots.has(principal)
            const root = known ? roots.get(principal) : this.trie(principal, world)
            roots.set(principal, edit[change](root, pattern, rule))
          }
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
      this.#tries.with(rootsIn(undefined)),
      this.#elsewhereWith(changed),
      this.#numbers,
      ruleCount,
      nextOrder,
    )
  }

  #elsewhereWith(
    changed: ReadonlyMap<World, ReadonlyMap<string, TrieNode | undefined>>,
  ): ReadonlyMap<SecretScheme, Tries> {
    const elsewhere = new Map(this.#elsewhere)
    for (const [world, roots] of changed) {
      if (world === undefined) continue
      const tries = elsewhere.get(world) ?? PersistentMap.empty<TrieNode>()
      elsewhere.set(world, tries.with(roots))
    }
    return elsewhere
  }
}
