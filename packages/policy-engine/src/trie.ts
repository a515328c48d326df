/** One trie of pattern segments per principal. Nodes carry the rules whose patterns end there. */

import type { Effect } from './document.ts'
import { GlobIndex } from './glob.ts'
import type { Pattern } from './pattern.ts'
import type { Rule } from './rule.ts'

/** A node: what stands after a sequence of pattern segments. */
export class TrieNode {
  /** Unique within a compilation. */
  readonly id: number
  /** A `**`: reached by any further segment, and never left again. */
  readonly sticky: boolean
  /** Rules whose patterns end here. */
  readonly rules: Rule[] = []
  literals: Map<string, TrieNode> | undefined
  any: TrieNode | undefined
  globs: Map<string, TrieNode> | undefined
  rest: TrieNode | undefined
  /** Actions that some rule with more segments than this node, at least one before any `**`, allows or denies. */
  deepMask: Record<Effect, number> = { allow: 0, deny: 0 }
  #globIndex: GlobIndex<TrieNode> | undefined

  constructor(id: number, sticky: boolean) {
    this.id = id
    this.sticky = sticky
  }

  /** Append the nodes behind globs that match a segment. Returns how many look-ups it took. */
  collectGlobs(segment: string, found: TrieNode[]): number {
    if (this.globs === undefined) return 0
    if (this.#globIndex === undefined) {
      this.#globIndex = new GlobIndex()
      for (const [text, node] of this.globs) this.#globIndex.add(text, node)
    }
    return this.#globIndex.collect(segment, found)
  }
}

/** Numbers of the nodes of one compilation. */
export class TrieBuilder {
  #next = 0

  root(): TrieNode {
    return this.#make(false)
  }

  /** Enter a rule under one of its patterns. */
  insert(root: TrieNode, pattern: Pattern, rule: Rule): void {
    let node = root
    for (const segment of pattern.segments) {
      node.deepMask[rule.effect] |= rule.actionMask
      if (segment.kind === 'any') {
        node.any ??= this.#make(false)
        node = node.any
      } else if (segment.kind === 'literal') {
        node.literals ??= new Map()
        node = this.#child(node.literals, segment.text)
      } else {
        node.globs ??= new Map()
        node = this.#child(node.globs, segment.text)
      }
    }
    if (pattern.rest) {
      node.rest ??= this.#make(true)
      node = node.rest
    }
    node.rules.push(rule)
  }

  #child(children: Map<string, TrieNode>, text: string): TrieNode {
    let child = children.get(text)
    if (child === undefined) {
      child = this.#make(false)
      children.set(text, child)
    }
    return child
  }

  #make(sticky: boolean): TrieNode {
    return new TrieNode(this.#next++, sticky)
  }
}
