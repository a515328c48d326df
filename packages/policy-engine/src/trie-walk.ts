/** Tries walked node by node, without the states of the automaton: for questions about rules, not about requests. */

import type { Budget } from './budget.ts'
import type { Pattern, PatternSegment } from './pattern.ts'
import { FRESH, filledSegments, segmentsIntersect } from './pattern-algebra.ts'
import type { Rule } from './rule.ts'
import type { TrieNode } from './trie.ts'

/** The nodes that one more segment leads to, without duplicates. */
export function stepNodes(nodes: readonly TrieNode[], segment: string): TrieNode[] {
  const next = new Set<TrieNode>()
  const found: TrieNode[] = []
  for (const node of nodes) {
    if (node.sticky) next.add(node)
    if (node.rest !== undefined) next.add(node.rest)
    if (node.any !== undefined) next.add(node.any)
    const named = node.literals?.get(segment)
    if (named !== undefined) next.add(named)
    node.collectGlobs(segment, found)
  }
  for (const node of found) next.add(node)
  return [...next]
}

/**
 * Tell whether a trie has a rule that matches a resource and is as asked.
 *
 * @param segments of the resource; none of the root
 */
export function someMatching(
  root: TrieNode,
  segments: readonly string[],
  asked: (rule: Rule) => boolean,
): boolean {
  const visit = (node: TrieNode, at: number): boolean => {
    const segment = segments[at]
    if (segment === undefined) return node.rules.some(asked)
    const { rest, any, literals, globs } = node
    if (rest?.rules.some(asked) === true) return true
    if (any !== undefined && visit(any, at + 1)) return true
    const named = literals?.get(segment)
    if (named !== undefined && visit(named, at + 1)) return true
    if (globs === undefined) return false
    const found: TrieNode[] = []
    node.collectGlobs(segment, found)
    return found.some((child) => visit(child, at + 1))
  }
  return visit(root, 0)
}

/**
 * Where all resources of a pattern lead at the least: per number of segments that they can have, the nodes whose rules
 * match every one of them. Numbers that lead to the same nodes are told once.
 */
export function commonNodes(roots: readonly TrieNode[], pattern: Pattern): TrieNode[][] {
  let nodes = [...roots]
  for (const segment of filledSegments(pattern, FRESH)) nodes = stepNodes(nodes, segment)
  if (!pattern.rest) return [nodes]
  const all: TrieNode[][] = []
  for (;;) {
    const next = stepNodes(nodes, FRESH)
    all.push(next)
    // Further segments lead to where these do.
    if (next.every((node) => node.sticky)) return all
    nodes = next
  }
}

/**
 * Tell whether a rule with a pattern that shares a resource with this one is as asked. Looks at each node of the trie at
 * most once.
 *
 * @param budget spent with each node that is looked at; once it is exhausted, the answer is `false`
 */
export function someIntersecting(
  root: TrieNode,
  pattern: Pattern,
  asked: (rule: Rule) => boolean,
  budget?: Budget,
): boolean {
  const { segments, rest } = pattern
  const visit = (node: TrieNode, at: number): boolean => {
    if (budget?.spend(1 + widthOf(node, segments[at])) === false) return false
    if (at === segments.length && !rest) return node.rules.some(asked)
    if (at > segments.length && node.rules.some(asked)) return true
    if (node.rest?.rules.some(asked) === true) return true
    return childrenFor(node, segments[at]).some((child) => visit(child, at + 1))
  }
  return visit(root, 0)
}

/** How many children of a node are looked at for a segment of a pattern. */
function widthOf(node: TrieNode, segment: PatternSegment | undefined): number {
  if (segment?.kind === 'literal') return 0
  return (node.literals?.size ?? 0) + (node.globs?.size ?? 0)
}

/** Children that share a text with a segment of a pattern; all of them without one. */
function childrenFor(node: TrieNode, segment: PatternSegment | undefined): TrieNode[] {
  const children: TrieNode[] = node.any === undefined ? [] : [node.any]
  if (segment?.kind === 'literal') {
    const named = node.literals?.get(segment.text)
    if (named !== undefined) children.push(named)
    node.collectGlobs(segment.text, children)
    return children
  }
  for (const kind of ['literal', 'glob'] as const) {
    for (const [text, child] of (kind === 'literal' ? node.literals : node.globs) ?? []) {
      if (segmentsIntersect(segment, { kind, text })) children.push(child)
    }
  }
  return children
}

/** Add all rules of a trie to a set. */
export function collectRules(node: TrieNode, found: Set<Rule>): void {
  for (const rule of node.rules) found.add(rule)
  for (const child of childrenFor(node, undefined)) collectRules(child, found)
  if (node.rest !== undefined) collectRules(node.rest, found)
}
