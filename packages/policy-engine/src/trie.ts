/**
 * One trie of pattern segments per principal. Nodes carry the rules whose patterns end there. Tries are never changed
 * once they are asked: an edit copies the nodes on its way, and shares all others with the trie that it began with.
 */

import type { Effect } from './document.ts'
import { GlobIndex } from './glob.ts'
import type { Pattern, PatternSegment } from './pattern.ts'
import type { Rule } from './rule.ts'

/** Actions as bits. */
type Masks = Readonly<Record<Effect, number>>

const NO_MASKS: Masks = Object.freeze({ allow: 0, deny: 0 })

/** A node: what stands after a sequence of pattern segments. */
export class TrieNode {
  /** Unique within a policy and those that it was changed into. */
  readonly id: number
  /** A `**`: reached by any further segment, and never left again. */
  readonly sticky: boolean
  /** Rules whose patterns end here. */
  readonly rules: Rule[]
  literals: Map<string, TrieNode> | undefined
  any: TrieNode | undefined
  globs: Map<string, TrieNode> | undefined
  rest: TrieNode | undefined
  /** The edit that may still change the node. */
  readonly edit: object
  #deepMask: Masks | undefined
  #globIndex: GlobIndex<TrieNode> | undefined

  /** @param from node to copy */
  constructor(id: number, edit: object, sticky: boolean, from?: TrieNode) {
    this.id = id
    this.edit = edit
    this.sticky = sticky
    this.rules = from === undefined ? [] : [...from.rules]
    this.literals = from?.literals && new Map(from.literals)
    this.any = from?.any
    this.globs = from?.globs && new Map(from.globs)
    this.rest = from?.rest
    this.#deepMask = from === undefined ? NO_MASKS : from.#deepMask
  }

  /** Actions that some rule with more segments than this node, at least one before any `**`, allows or denies. */
  get deepMask(): Masks {
    this.#deepMask ??= deepMaskOf(this)
    return this.#deepMask
  }

  /** A rule was entered below. */
  deepen({ effect, actionMask }: Rule): void {
    const known = this.#deepMask
    if (known === undefined || (known[effect] & actionMask) === actionMask) return
    this.#deepMask = { ...known, [effect]: known[effect] | actionMask }
  }

  /** A rule was taken away below. */
  forgetDeepMask(): void {
    this.#deepMask = undefined
  }

  get empty(): boolean {
    const { rules, literals, any, globs, rest } = this
    return rules.length === 0 && (literals ?? any ?? globs ?? rest) === undefined
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

function deepMaskOf({ any, literals, globs }: TrieNode): Masks {
  const masks = { allow: 0, deny: 0 }
  const add = (child: TrieNode): void => {
    masks.allow |= child.deepMask.allow
    masks.deny |= child.deepMask.deny
    for (const rule of child.rules) masks[rule.effect] |= rule.actionMask
    for (const rule of child.rest?.rules ?? []) masks[rule.effect] |= rule.actionMask
  }
  if (any !== undefined) add(any)
  for (const children of [literals, globs]) {
    for (const child of children?.values() ?? []) add(child)
  }
  return masks
}

/** Numbers of the nodes of a policy and of those that it is changed into. */
export class TrieNumbers {
  #next = 0

  take(): number {
    return this.#next++
  }
}

/** One edit of any number of tries. It ends when it is no longer used: then nothing it made changes again. */
export class TrieEdit {
  readonly #numbers: TrieNumbers
  readonly #edit: object = {}

  constructor(numbers: TrieNumbers) {
    this.#numbers = numbers
  }

  /** Enter a rule under one of its patterns. Returns the root of the trie with it. */
  insert(root: TrieNode | undefined, pattern: Pattern, rule: Rule): TrieNode {
    const top = this.#own(root)
    let node = top
    for (const segment of pattern.segments) {
      node.deepen(rule)
      const child = childOf(node, segment)
      const own = this.#own(child)
      if (own !== child) setChild(node, segment, own)
      node = own
    }
    if (pattern.rest) {
      node.rest = this.#own(node.rest, true)
      node = node.rest
    }
    node.rules.push(rule)
    return top
  }

  /** Take a rule away from under one of its patterns. Returns the root of the trie without it, if anything is left. */
  remove(root: TrieNode | undefined, pattern: Pattern, rule: Rule): TrieNode | undefined {
    return this.#remove(root, pattern, rule, 0)
  }

  #remove(
    old: TrieNode | undefined,
    pattern: Pattern,
    rule: Rule,
    depth: number,
  ): TrieNode | undefined {
    if (old === undefined) return undefined
    const node = this.#own(old, old.sticky)
    const segment = pattern.segments[depth]
    if (segment !== undefined) {
      node.forgetDeepMask()
      setChild(node, segment, this.#remove(childOf(node, segment), pattern, rule, depth + 1))
    } else if (pattern.rest && !node.sticky) {
      node.rest = this.#remove(node.rest, pattern, rule, depth)
    } else {
      const at = node.rules.indexOf(rule)
      if (at !== -1) node.rules.splice(at, 1)
    }
    return node.empty ? undefined : node
  }

  #own(node: TrieNode | undefined, sticky = false): TrieNode {
    if (node?.edit === this.#edit) return node
    return new TrieNode(this.#numbers.take(), this.#edit, sticky, node)
  }
}

function childOf(node: TrieNode, segment: PatternSegment): TrieNode | undefined {
  if (segment.kind === 'any') return node.any
  return (segment.kind === 'literal' ? node.literals : node.globs)?.get(segment.text)
}

function setChild(node: TrieNode, segment: PatternSegment, child: TrieNode | undefined): void {
  if (segment.kind === 'any') {
    node.any = child
    return
  }
  const kind = segment.kind === 'literal' ? 'literals' : 'globs'
  const children = node[kind] ?? new Map<string, TrieNode>()
  if (child === undefined) children.delete(segment.text)
  else children.set(segment.text, child)
  node[kind] = children.size === 0 ? undefined : children
}
