/**
 * The tries of a subject's principals walked all at once. A state is the set of nodes that a resource's segments so
 * far can stand on. States and their transitions are made when first walked, shared by all subjects, and dropped
 * together when they take too much; they depend on nothing but the policy, so dropping them changes no answer.
 */

import type { Cell } from './cell.ts'
import type { TrieNode } from './trie.ts'

/** More sources of literals than this are merged into one set. */
const MAX_LITERAL_SOURCES = 4
/** Members of a state that cost as much memory as a state. */
const MEMBERS_PER_UNIT = 16

/** A set of trie nodes and what follows it. */
export class State {
  /** Ascending by id. */
  readonly members: readonly TrieNode[]
  /** Every next segment leads back here. */
  readonly loops: boolean
  /** Where a segment leads that no literal names and no glob matches. */
  other: State | undefined
  /** Known transitions of literals. */
  next: Map<string, State> | undefined
  /** Known transitions of segments that only globs match, by the ids of the nodes behind the globs. */
  globNext: Map<string, State> | undefined
  /** By action index. */
  readonly cells: (Cell | undefined)[] = []
  readonly #literals: readonly { has(text: string): boolean }[]
  readonly #globbed: readonly TrieNode[]

  constructor(members: readonly TrieNode[]) {
    this.members = members
    this.loops = members.every((node) => node.sticky)
    this.#globbed = members.filter((node) => node.globs !== undefined)
    const literals = members.flatMap((node) => node.literals ?? [])
    this.#literals =
      literals.length > MAX_LITERAL_SOURCES
        ? [new Set(literals.flatMap((children) => [...children.keys()]))]
        : literals
  }

  hasLiteral(segment: string): boolean {
    for (const source of this.#literals) if (source.has(segment)) return true
    return false
  }

  collectGlobs(segment: string, found: TrieNode[]): void {
    for (const node of this.#globbed) node.collectGlobs(segment, found)
  }

  get hasGlobs(): boolean {
    return this.#globbed.length > 0
  }
}

/** Where the walks of one set of principals begin. Subjects with the same known principals share one. */
export interface Start {
  readonly roots: readonly TrieNode[]
  /** Made when first asked for; belongs to the automaton. */
  state: State | undefined
}

/** The states of one compiled policy. */
export class Automaton {
  readonly #maxUnits: number
  #states = new Map<string, State>()
  #units = 0
  /** Starts that hold a state: they must let go of it, or an idle one would keep every dropped state alive. */
  #started: Start[] = []
  readonly #found: TrieNode[] = []

  /** @param maxUnits states, transitions and kept decisions after which all are dropped */
  constructor(maxUnits: number) {
    this.#maxUnits = maxUnits
  }

  /** Account for something kept with a state. */
  charge(units: number): void {
    this.#units += units
    if (this.#units <= this.#maxUnits) return
    for (const start of this.#started) start.state = undefined
    this.#started = []
    this.#states = new Map()
    this.#units = 0
  }

  /** The state in which a walk begins. */
  begin(start: Start): State {
    if (start.state !== undefined) return start.state
    this.charge(1)
    const state = this.state(start.roots)
    this.#started.push(start)
    start.state = state
    return state
  }

  /** The state of a set of nodes. */
  state(nodes: Iterable<TrieNode>): State {
    const members = [...new Set(nodes)].sort((a, b) => a.id - b.id)
    const key = keyOf(members)
    const known = this.#states.get(key)
    if (known !== undefined) return known
    this.charge(1 + Math.floor(members.length / MEMBERS_PER_UNIT))
    const state = new State(members)
    this.#states.set(key, state)
    return state
  }

  /** The state after one more segment. */
  step(state: State, segment: string): State {
    return state.next?.get(segment) ?? this.#stepOn(state, segment)
  }

  /** The state after all segments of a walkable resource. */
  walk(start: State, resource: string): State {
    let state = start
    if (resource.length === 1) return state
    for (let at = 1; !state.loops; ) {
      const slash = resource.indexOf('/', at)
      if (slash === -1) return this.step(state, resource.slice(at))
      state = this.step(state, resource.slice(at, slash))
      at = slash + 1
    }
    return state
  }

  #stepOn(state: State, segment: string): State {
    const found = this.#found
    found.length = 0
    if (state.hasGlobs) state.collectGlobs(segment, found)
    if (state.hasLiteral(segment)) {
      const next = this.state(successors(state, segment, found))
      state.next ??= new Map()
      state.next.set(segment, next)
      this.charge(1)
      return next
    }
    if (found.length === 0) {
      state.other ??= this.state(successors(state, undefined, found))
      return state.other
    }
    if (found.length > 1) found.sort((a, b) => a.id - b.id)
    const key = keyOf(found)
    const known = state.globNext?.get(key)
    if (known !== undefined) return known
    const next = this.state(successors(state, undefined, found))
    state.globNext ??= new Map()
    state.globNext.set(key, next)
    this.charge(1 + Math.floor(found.length / MEMBERS_PER_UNIT))
    return next
  }
}

function keyOf(nodes: readonly TrieNode[]): string {
  let key = ''
  for (const node of nodes) key += `${node.id},`
  return key
}

function* successors(
  state: State,
  literal: string | undefined,
  globs: readonly TrieNode[],
): Generator<TrieNode> {
  yield* globs
  for (const node of state.members) {
    if (node.sticky) yield node
    if (node.rest !== undefined) yield node.rest
    if (node.any !== undefined) yield node.any
    const named = literal === undefined ? undefined : node.literals?.get(literal)
    if (named !== undefined) yield named
  }
}
