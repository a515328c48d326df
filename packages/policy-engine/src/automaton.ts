/**
 * The tries of a subject's principals walked all at once. A state is the set of nodes that a resource's segments so
 * far can stand on. States and their transitions are made when first walked, shared by all subjects, and dropped
 * together when they take too much; they depend on nothing but the policy, so dropping them changes no answer.
 */

import type { Cell, Decision } from './cell.ts'
import type { TrieNode } from './trie.ts'

/** Members of a state, literals of a set or nodes in a key that cost as much memory as a state. */
const ITEMS_PER_UNIT = 16
/** Segments that a state with globs remembers, whatever they are; forgotten together when they are more. */
const MAX_REMEMBERED = 1024
const REMEMBERED_UNITS = 256
/** Look-ups in an index of globs from which on their result is remembered. */
const WORTH_REMEMBERING = 100

/** Putting a literal into a set costs about as much as asking this many maps for one. */
const MERGE_COST = 8

const NONE: readonly never[] = Object.freeze([])

/** A set of trie nodes and what follows it. */
export interface State {
  /** Without duplicates; equal sets are in equal order. */
  readonly members: readonly TrieNode[]
  /** Every next segment leads back here. */
  readonly loops: boolean
  /** What the rules say, by action index. */
  readonly cells: (Cell | undefined)[]
  /** An answer that no condition can change, and the actions (as bits) of which it is the answer. */
  answer: Decision | undefined
  answerMask: number
  /** Actions (as bits) of which no rule speaks. */
  silentMask: number
  /** The one literal that continues this state, `''` if none does; `undefined` if there are several, or globs. */
  readonly sole: string | undefined
  soleNext: State | undefined
  /** Known transitions of literals, if there are several. */
  next: Map<string, State> | undefined
  /** Where a segment leads that no literal names and no glob matches. */
  other: State | undefined
  /** What continues this state; absent where every segment leads to `other`. */
  readonly branches: Branches | undefined
}

/** The literals and globs that continue a state. */
interface Branches {
  readonly literals: readonly ReadonlyMap<string, TrieNode>[]
  readonly literalCount: number
  readonly globbed: readonly TrieNode[]
  /** All literals in one set, made once asking their maps one by one has cost as much as merging them. */
  merged: ReadonlySet<string> | undefined
  probes: number
  /** Transitions by the one node behind the glob that matches, or by the ids of several. */
  readonly byGlob: Map<number | string, State>
  /** Transitions of segments that no literal names, as they came. */
  readonly remembered: Map<string, State>
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
    const state = this.#state(start.roots)
    this.#started.push(start)
    start.state = state
    return state
  }

  /** The state after all segments of a walkable resource. */
  walk(start: State, resource: string): State {
    let state = start
    if (resource.length === 1) return state
    for (let at = 1; !state.loops; ) {
      const slash = resource.indexOf('/', at)
      const end = slash === -1 ? resource.length : slash
      const { sole } = state
      if (sole === undefined) state = this.#step(state, resource.slice(at, end))
      else if (end - at === sole.length && resource.startsWith(sole, at)) {
        state = state.soleNext ?? this.#stepByLiteral(state, sole, NONE)
      } else state = state.other ?? this.#other(state)
      if (slash === -1) return state
      at = slash + 1
    }
    return state
  }

  #step(state: State, segment: string): State {
    const known = state.next?.get(segment)
    if (known !== undefined) return known
    const { branches } = state
    if (branches === undefined) return this.#other(state)
    if (branches.globbed.length > 0) return this.#stepByGlobs(state, branches, segment)
    if (this.#isLiteral(branches, segment)) return this.#stepByLiteral(state, segment, NONE)
    return this.#other(state)
  }

  #other(state: State): State {
    state.other ??= this.#state(successors(state, undefined, NONE))
    return state.other
  }

  #stepByLiteral(state: State, segment: string, globs: readonly TrieNode[]): State {
    const next = this.#state(successors(state, segment, globs))
    this.charge(1)
    if (segment === state.sole) state.soleNext = next
    else {
      state.next ??= new Map()
      state.next.set(segment, next)
    }
    return next
  }

  #stepByGlobs(state: State, branches: Branches, segment: string): State {
    const { remembered } = branches
    const known = remembered.size === 0 ? undefined : remembered.get(segment)
    if (known !== undefined) return known
    this.#found.length = 0
    let work = 0
    for (const node of branches.globbed) work += node.collectGlobs(segment, this.#found)
    const found = this.#found.length < 2 ? this.#found : [...new Set(this.#found)].sort(byId)
    if (this.#isLiteral(branches, segment)) return this.#stepByLiteral(state, segment, found)
    const next = found.length === 0 ? this.#other(state) : this.#stepTo(state, branches, found)
    if (work < WORTH_REMEMBERING) return next
    if (remembered.size === 0) this.charge(REMEMBERED_UNITS)
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(segment, next)
    return next
  }

  #stepTo(state: State, { byGlob }: Branches, found: readonly TrieNode[]): State {
    const [only] = found
    const key = only !== undefined && found.length === 1 ? only.id : keyOf(found)
    const known = byGlob.get(key)
    if (known !== undefined) return known
    const next = this.#state(successors(state, undefined, found))
    byGlob.set(key, next)
    this.charge(unitsOf(found.length))
    return next
  }

  #isLiteral(branches: Branches, segment: string): boolean {
    if (branches.merged !== undefined) return branches.merged.has(segment)
    const { literals, literalCount } = branches
    if (literals.length > 1) {
      branches.probes += literals.length
      if (branches.probes > literalCount * MERGE_COST) {
        branches.merged = new Set(literals.flatMap((children) => [...children.keys()]))
        this.charge(unitsOf(literalCount))
        return branches.merged.has(segment)
      }
    }
    for (const children of literals) if (children.has(segment)) return true
    return false
  }

  #state(members: readonly TrieNode[]): State {
    const key = keyOf(members)
    const known = this.#states.get(key)
    if (known !== undefined) return known
    this.charge(unitsOf(members.length))
    const branches = branchesOf(members)
    const state: State = {
      members,
      loops: members.every((node) => node.sticky),
      cells: [],
      answer: undefined,
      answerMask: 0,
      silentMask: 0,
      sole: soleOf(branches),
      soleNext: undefined,
      next: undefined,
      other: undefined,
      branches,
    }
    this.#states.set(key, state)
    return state
  }
}

function branchesOf(members: readonly TrieNode[]): Branches | undefined {
  const literals = members.flatMap((node) => node.literals ?? [])
  const globbed = members.filter((node) => node.globs !== undefined)
  if (literals.length + globbed.length === 0) return undefined
  const literalCount = literals.reduce((sum, children) => sum + children.size, 0)
  return {
    literals,
    literalCount,
    globbed,
    merged: undefined,
    probes: 0,
    byGlob: new Map(),
    remembered: new Map(),
  }
}

function soleOf(branches: Branches | undefined): string | undefined {
  // No segment is empty, so the empty text is never met.
  if (branches === undefined) return ''
  if (branches.globbed.length > 0 || branches.literalCount > branches.literals.length) {
    return undefined
  }
  const names = new Set(branches.literals.flatMap((children) => [...children.keys()]))
  return names.size === 1 ? [...names][0] : undefined
}

function byId(a: TrieNode, b: TrieNode): number {
  return a.id - b.id
}

function unitsOf(items: number): number {
  return 1 + Math.floor(items / ITEMS_PER_UNIT)
}

function keyOf(nodes: readonly TrieNode[]): string {
  let key = ''
  for (const node of nodes) key += `${node.id},`
  return key
}

/**
 * The nodes after one more segment. A node has one parent and stands at one depth, `**` apart, so no two members lead
 * to the same node; and the order follows that of the members, so equal sets come in equal order without sorting.
 */
function successors(
  { members }: State,
  literal: string | undefined,
  globs: readonly TrieNode[],
): TrieNode[] {
  const nodes = [...globs]
  for (const node of members) {
    if (node.sticky) nodes.push(node)
    if (node.rest !== undefined) nodes.push(node.rest)
    if (node.any !== undefined) nodes.push(node.any)
    const named = literal === undefined ? undefined : node.literals?.get(literal)
    if (named !== undefined) nodes.push(named)
  }
  return nodes
}
