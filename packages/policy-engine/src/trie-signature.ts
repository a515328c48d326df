/** Numbers for parts of tries, equal for parts that say the same, so that a comparison can pass over them. */

import { conditionsKey } from './outcome.ts'
import type { Rule } from './rule.ts'
import type { TrieNode } from './trie.ts'

/** Numbers for nodes and all below them. The names of rules, and in how many rules something is said, do not matter. */
export class TrieSignatures {
  readonly #numbers = new Map<string, number>()
  readonly #known = new Map<TrieNode, number>()

  /** The number of a node; of none it is -1. */
  of(node: TrieNode | undefined): number {
    if (node === undefined) return -1
    let number = this.#known.get(node)
    if (number === undefined) {
      number = this.#numberOf(node)
      this.#known.set(node, number)
    }
    return number
  }

  /** A text for a set of nodes, the same for sets that say the same. */
  ofAll(nodes: readonly TrieNode[]): string {
    return [...new Set(nodes.map((node) => this.of(node)))].sort((a, b) => a - b).join()
  }

  #numberOf(node: TrieNode): number {
    const children = (map: ReadonlyMap<string, TrieNode> | undefined): unknown =>
      [...(map ?? [])]
        .map(([text, child]): [string, number] => [text, this.of(child)])
        .sort(([a], [b]) => (a < b ? -1 : 1))
    const text = JSON.stringify([
      node.sticky,
      [...new Set(node.rules.map(contentOf))].sort(),
      this.of(node.any),
      this.of(node.rest),
      children(node.literals),
      children(node.globs),
    ])
    const number = this.#numbers.get(text) ?? this.#numbers.size
    this.#numbers.set(text, number)
    return number
  }
}

function contentOf(rule: Rule): string {
  const { effect, actionMask, obligations } = rule
  return JSON.stringify([
    effect,
    actionMask,
    conditionsKey(rule),
    obligations?.ttlSeconds ?? 0,
    obligations?.maxUses ?? 0,
  ])
}
