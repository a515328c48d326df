/** Requests and subjects, and the compiled policy that answers them. */

import { type Action, requireActionIndex } from './action.ts'
import { Automaton, type State } from './automaton.ts'
import { Cell, DEFAULT_DENY, type Decision } from './cell.ts'
import type { Facts } from './condition.ts'
import type { Context } from './document.ts'
import { type ExplainOptions, type Explanation, explain } from './explain.ts'
import { type Filter, filterBelow } from './filter.ts'
import { isWalkable } from './pattern.ts'
import type { CompiledPolicy, PolicyRequest, Subject } from './policy.ts'
import type { Rule } from './rule.ts'
import type { TrieBuilder, TrieNode } from './trie.ts'

/** Subjects with the same known principals share one of these. */
export interface SubjectIndex {
  readonly roots: readonly TrieNode[]
  start: State | undefined
  generation: number
}

class InternedSubject implements Subject {
  readonly principals: readonly string[]
  readonly owner: PolicyIndex
  readonly index: SubjectIndex

  constructor(principals: readonly string[], owner: PolicyIndex, index: SubjectIndex) {
    this.principals = principals
    this.owner = owner
    this.index = index
    Object.freeze(this)
  }
}

/** Known sets of principals; dropped together when they are more. */
const MAX_INDEXES = 4096
const NO_CONTEXT: Context = Object.freeze({})

/** The compiled form. Its caches hold nothing that the rules do not determine. */
export class PolicyIndex implements CompiledPolicy {
  readonly documents: readonly string[]
  readonly rules: readonly Rule[]
  readonly automaton: Automaton
  readonly #tries = new Map<string, TrieNode>()
  #indexes = new Map<string, SubjectIndex>()

  constructor(
    documents: readonly string[],
    rules: readonly Rule[],
    builder: TrieBuilder,
    maxUnits: number,
  ) {
    this.documents = documents
    this.rules = rules
    this.automaton = new Automaton(maxUnits)
    for (const rule of rules) {
      for (const principal of rule.principals) {
        let root = this.#tries.get(principal)
        if (root === undefined) {
          root = builder.root()
          this.#tries.set(principal, root)
        }
        for (const pattern of rule.resources) builder.insert(root, pattern, rule)
      }
    }
  }

  get ruleCount(): number {
    return this.rules.length
  }

  subject(principals: readonly string[]): Subject {
    if (!Array.isArray(principals) || principals.some((item) => typeof item !== 'string')) {
      throw new TypeError('principals: expected a list of strings')
    }
    const own = Object.freeze([...principals])
    return new InternedSubject(own, this, this.#indexOf(own))
  }

  decide(request: PolicyRequest): Decision {
    const { resource, time, context } = request
    const action = requireActionIndex(request.action)
    if (typeof resource !== 'string') throw new TypeError('resource: expected a string')
    const start = this.start(request.subject)
    if (!isWalkable(resource)) return DEFAULT_DENY
    const cell = this.cell(this.automaton.walk(start, resource), action)
    return cell.fixed ?? cell.decide(factsOf(time, context))
  }

  filter(
    subject: Subject | readonly string[],
    action: Action,
    prefix: string,
    time?: number,
    context?: Context,
  ): Filter {
    if (typeof prefix !== 'string') throw new TypeError('prefix: expected a string')
    const actionAt = requireActionIndex(action)
    const facts = factsOf(time, context)
    const interned = this.#interned(subject)
    const root = prefix.length > 1 && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
    if (!isWalkable(root)) return 'none'
    const state = this.automaton.walk(this.start(interned), root)
    return filterBelow(state, actionAt, facts, (resource, entry) => {
      return this.decide({ subject: interned, action, resource, time, context: entry })
    })
  }

  explain(request: PolicyRequest, options: ExplainOptions = {}): Explanation {
    const decision = this.decide(request)
    const facts = factsOf(request.time, request.context)
    const state = isWalkable(request.resource)
      ? this.automaton.walk(this.start(request.subject), request.resource)
      : undefined
    const rules =
      state === undefined ? [] : this.cell(state, requireActionIndex(request.action)).rules
    return explain(decision, rules, facts, options)
  }

  /** The state in which a subject's resources begin. */
  start(subject: Subject | readonly string[]): State {
    const { index } = this.#interned(subject)
    if (index.start === undefined || index.generation !== this.automaton.generation) {
      index.start = this.automaton.state(index.roots)
      index.generation = this.automaton.generation
    }
    return index.start
  }

  /** What the rules at a state say about an action. */
  cell(state: State, action: number): Cell {
    let cell = state.cells[action]
    if (cell === undefined) {
      const matching = new Set<Rule>()
      for (const node of state.members) {
        for (const rule of node.rules) {
          if ((rule.actionMask & (1 << action)) !== 0) matching.add(rule)
        }
      }
      cell = new Cell([...matching].sort((a, b) => a.index - b.index))
      state.cells[action] = cell
      this.automaton.charge(1 + matching.size)
    }
    return cell
  }

  #interned(subject: Subject | readonly string[]): InternedSubject {
    if (subject instanceof InternedSubject && subject.owner === this) return subject
    const principals = Array.isArray(subject) ? subject : (subject as Subject | null)?.principals
    return this.subject(principals as readonly string[]) as InternedSubject
  }

  #indexOf(principals: readonly string[]): SubjectIndex {
    const known = principals.filter((principal) => this.#tries.has(principal))
    // `*` is any authenticated caller (DESIGN §7), and a caller without principals is none.
    if (principals.length > 0) known.push('*')
    const names = [...new Set(known)].sort()
    const key = JSON.stringify(names)
    let index = this.#indexes.get(key)
    if (index === undefined) {
      const roots = names.flatMap((name) => this.#tries.get(name) ?? [])
      index = { roots, start: undefined, generation: -1 }
      if (this.#indexes.size >= MAX_INDEXES) this.#indexes = new Map()
      this.#indexes.set(key, index)
    }
    return index
  }
}

function factsOf(time: number | undefined, context: Context | undefined): Facts {
  if (time !== undefined && typeof time !== 'number') {
    throw new TypeError('time: expected milliseconds since the epoch')
  }
  if (context !== undefined && (typeof context !== 'object' || context === null)) {
    throw new TypeError('context: expected an object')
  }
  return { timeMs: time, context: context ?? NO_CONTEXT }
}
