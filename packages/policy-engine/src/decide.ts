/** Requests and subjects, and the compiled policy that answers them. */

import { type Action, requireActionIndex } from './action.ts'
import { Automaton, type Start, type State } from './automaton.ts'
import { Cell, DEFAULT_DENY, type Decision } from './cell.ts'
import type { Facts } from './condition.ts'
import { type CoverOptions, coversPattern } from './cover.ts'
import type { Context } from './document.ts'
import { type Edition, nextEdition, type PolicyChanges } from './edition.ts'
import { type ExplainOptions, type Explanation, explain } from './explain.ts'
import { type Filter, filterBelow } from './filter.ts'
import { readGrant } from './grant.ts'
import { isWalkable } from './pattern.ts'
import { requirePattern } from './pattern-algebra.ts'
import type { Candidate, CompiledPolicy, PolicyRequest, Subject, WhoCanRequest } from './policy.ts'
import type { Rule } from './rule.ts'
import { WORLDS, type World } from './rule-set.ts'
import { isForeignSecret, isSecretPrefix, placeIn, schemeOf } from './secret-uri.ts'
import { foreignAllows, foreignMayDeny } from './sources/cover.ts'
import { explainForeign, type MergedAnswers, mergeVerdicts } from './sources/merge.ts'
import type { ForeignRules, Question } from './sources/source.ts'
import type { VaultIdentity } from './sources/vault/template.ts'
import { type Abilities, abilitiesOf, type WhatCanOptions } from './what-can.ts'
import { type CandidateGrant, type Grant, grantOf, principalsNamed } from './who-can.ts'

class InternedSubject implements Subject {
  readonly principals: readonly string[]
  readonly owner: PolicyIndex
  readonly start: Start
  readonly identity: VaultIdentity | undefined
  /** Absent where no foreign document applies, which is to say mostly. */
  readonly foreign: readonly ForeignRules[] | undefined

  constructor(
    principals: readonly string[],
    owner: PolicyIndex,
    start: Start,
    identity: VaultIdentity | undefined,
  ) {
    this.principals = principals
    this.owner = owner
    this.start = start
    this.identity = identity
    this.foreign = owner.edition.foreign.bind(principals, identity)
    Object.freeze(this)
  }
}

/** Known sets of principals; dropped together when they are more. */
const MAX_STARTS = 4096
const NO_CONTEXT: Context = Object.freeze({})

/** The compiled form. Its caches hold nothing that the rules do not determine. */
export class PolicyIndex implements CompiledPolicy {
  readonly edition: Edition
  readonly #maxUnits: number
  readonly #automaton: Automaton
  readonly #charge = (units: number): void => this.#automaton.charge(units)
  #ids: readonly string[] | undefined
  #starts = new Map<string, Start>()
  readonly #merged: MergedAnswers = new WeakMap()

  /** @param maxUnits of what is kept to decide faster, see {@link Automaton} */
  constructor(edition: Edition, maxUnits: number) {
    this.edition = edition
    this.#maxUnits = maxUnits
    this.#automaton = new Automaton(maxUnits)
  }

  get documents(): readonly string[] {
    this.#ids ??= Object.freeze(this.edition.rules.documents.map(({ id }) => id))
    return this.#ids
  }

  get ruleCount(): number {
    return this.edition.rules.ruleCount + this.edition.foreign.ruleCount
  }

  replace(changes: PolicyChanges): CompiledPolicy {
    return new PolicyIndex(nextEdition(this.edition, changes), this.#maxUnits)
  }

  subject(principals: readonly string[], identity?: VaultIdentity): Subject {
    if (!Array.isArray(principals) || principals.some((item) => typeof item !== 'string')) {
      throw new TypeError('principals: expected a list of strings')
    }
    if (identity !== undefined && (typeof identity !== 'object' || identity === null)) {
      throw new TypeError('identity: expected an object')
    }
    const own = Object.freeze([...principals])
    return new InternedSubject(own, this, this.#startOf(own), identity)
  }

  decide(request: PolicyRequest): Decision {
    const { resource, time, context } = request
    const action = requireActionIndex(request.action)
    if (typeof resource !== 'string') throw new TypeError('resource: expected a string')
    checkFacts(time, context)
    const subject = this.#interned(request.subject)
    if (!isWalkable(resource)) return this.#decideElsewhere(subject, request)
    if (subject.foreign !== undefined) {
      const native = this.#decideNative(subject, action, resource, time, context)
      return mergeVerdicts(native, subject.foreign, questionOf(request), this.#merged)
    }
    return this.#decideNative(subject, action, resource, time, context)
  }

  #decideNative(
    subject: InternedSubject,
    action: number,
    resource: string,
    time: number | undefined,
    context: Context | undefined,
  ): Decision {
    const state = this.#walk(subject.start, resource)
    if ((state.answerMask & (1 << action)) !== 0) return state.answer ?? DEFAULT_DENY
    if ((state.silentMask & (1 << action)) !== 0) return DEFAULT_DENY
    const cell = this.#cell(state, action)
    return cell.fixed ?? cell.decide({ timeMs: time, context: context ?? NO_CONTEXT })
  }

  /** What is no path: a secret that is kept elsewhere, of which rules of other systems say nothing, or nothing at all. */
  #decideElsewhere(subject: InternedSubject, request: PolicyRequest): Decision {
    const state = this.#stateElsewhere(subject, request.resource)
    if (state === undefined) return DEFAULT_DENY
    const { action, time, context } = request
    const cell = this.#cell(state, requireActionIndex(action))
    return cell.fixed ?? cell.decide({ timeMs: time, context: context ?? NO_CONTEXT })
  }

  /** Where a secret that is kept elsewhere leads; `undefined` for what is none. */
  #stateElsewhere({ principals }: InternedSubject, secret: string): State | undefined {
    const world = isForeignSecret(secret) ? schemeOf(secret) : undefined
    if (world === undefined) return undefined
    return this.#walk(this.#startOf(principals, world), placeIn(world, secret))
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
    checkFacts(time, context)
    const facts: Facts = { timeMs: time, context: context ?? NO_CONTEXT }
    const interned = this.#interned(subject)
    const root = prefix.length > 2 && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
    const isPath = isWalkable(root)
    const state = isPath ? this.#walk(interned.start, root) : this.#stateOfPrefix(interned, prefix)
    if (state === undefined) return 'none'
    const question = { action, resource: root, facts }
    const speaking = isPath ? (interned.foreign ?? []) : []
    const foreign = speaking.map((rules) => rules.outlook(question))
    return filterBelow(state, actionAt, facts, foreign, (resource, entry) => {
      return this.decide({ subject: interned, action, resource, time, context: entry })
    })
  }

  whoCan(request: WhoCanRequest): readonly Grant[]
  whoCan<T extends Candidate>(
    request: WhoCanRequest,
    candidates: readonly T[],
  ): readonly CandidateGrant<T>[]
  whoCan(
    request: WhoCanRequest,
    candidates?: readonly Candidate[],
  ): readonly Grant[] | readonly CandidateGrant<Candidate>[] {
    const { action, resource, time, context } = request
    const granted = (subject: Candidate['subject']): ReturnType<typeof grantOf> =>
      grantOf(this.decide({ subject, action, resource, time, context }))
    if (candidates !== undefined) {
      if (!Array.isArray(candidates)) throw new TypeError('candidates: expected a list')
      return candidates.flatMap((candidate: Candidate) => {
        const grant = granted(candidate.subject)
        return grant === undefined ? [] : { candidate, ...grant }
      })
    }
    const everybody = granted(['*'])
    return this.#principalsNamed(requireActionIndex(action), resource).flatMap((principal) => {
      const grant = principal === '*' ? everybody : granted([principal])
      return grant === undefined ? [] : { principal, ...grant }
    })
  }

  #principalsNamed(action: number, resource: string): readonly string[] {
    const bit = 1 << action
    const { rules, foreign } = this.edition
    const world = isForeignSecret(resource) ? schemeOf(resource) : undefined
    return world === undefined
      ? principalsNamed(rules.tries(undefined), foreign.principals(), bit, resource)
      : principalsNamed(rules.tries(world), new Set(), bit, placeIn(world, resource))
  }

  whatCan(subject: Subject | readonly string[], options: WhatCanOptions = {}): Abilities {
    const { time, context, denials = false } = options
    checkFacts(time, context)
    const facts: Facts = { timeMs: time, context: context ?? NO_CONTEXT }
    const { principals } = this.#interned(subject)
    const roots = WORLDS.flatMap((world) => this.#startOf(principals, world).roots)
    const sources = this.edition.foreign.applying(principals).map(({ id, foreign }) => {
      return { document: id, source: foreign.kind, mount: foreign.mount }
    })
    return { ...abilitiesOf(roots, facts, inOrder, denials), sources }
  }

  covers(
    subject: Subject | readonly string[],
    action: Action,
    pattern: string,
    options: CoverOptions = {},
  ): boolean {
    const bit = 1 << requireActionIndex(action)
    const asked = requirePattern('pattern', pattern)
    const { time, context } = options
    checkFacts(time, context)
    const { principals, foreign } = this.#interned(subject)
    const { roots } = this.#startOf(principals, asked.scheme)
    const { obligations, ...clauses } = readGrant(options, this.edition.scope.systemZone)
    const facts: Facts = { timeMs: time, context: context ?? NO_CONTEXT }
    const speaking = asked.scheme === undefined ? foreign : undefined
    if (speaking !== undefined && foreignMayDeny(speaking, action, asked, facts)) return false
    const allowed = speaking !== undefined && foreignAllows(speaking, action, asked, facts)
    return coversPattern(roots, bit, asked, { ...clauses, facts }, obligations, allowed)
  }

  explain(request: PolicyRequest, options: ExplainOptions = {}): Explanation {
    const decision = this.decide(request)
    const question = questionOf(request)
    const { action, resource, facts } = question
    const subject = this.#interned(request.subject)
    const isPath = isWalkable(resource)
    const state = isPath
      ? this.#walk(subject.start, resource)
      : this.#stateElsewhere(subject, resource)
    if (state === undefined) return explain(decision, [], facts, options)
    const { rules } = this.#cell(state, requireActionIndex(action))
    const speaking = isPath ? (subject.foreign ?? []) : []
    const foreign = explainForeign(speaking, question, options.denials === true)
    return explain(decision, rules, facts, options, foreign)
  }

  /** Where the mounts and folders of a scheme, or all of it, lead; `undefined` for what is no prefix. */
  #stateOfPrefix({ principals }: InternedSubject, prefix: string): State | undefined {
    const world = schemeOf(prefix)
    if (world === undefined) return undefined
    const place = placeIn(world, prefix)
    const root = place.length > 1 && place.endsWith('/') ? place.slice(0, -1) : place
    if (!isSecretPrefix(root)) return undefined
    return this.#walk(this.#startOf(principals, world), root)
  }

  #walk(start: Start, resource: string): State {
    return this.#automaton.walk(this.#automaton.begin(start), resource)
  }

  /** What the rules at a state say about an action. */
  #cell(state: State, action: number): Cell {
    let cell = state.cells[action]
    if (cell === undefined) {
      const matching = new Set<Rule>()
      for (const node of state.members) {
        for (const rule of node.rules) {
          if ((rule.actionMask & (1 << action)) !== 0) matching.add(rule)
        }
      }
      const rules = [...matching].sort(inOrder)
      cell = sameCell(state.cells, rules) ?? new Cell(rules, this.#charge)
      state.cells[action] = cell
      if (rules.length === 0) state.silentMask |= 1 << action
      else if (cell.fixed !== undefined) {
        state.answer ??= cell.fixed
        if (state.answer === cell.fixed) state.answerMask |= 1 << action
      }
    }
    return cell
  }

  #interned(subject: Subject | readonly string[]): InternedSubject {
    if (subject instanceof InternedSubject && subject.owner === this) return subject
    if (Array.isArray(subject)) return this.subject(subject) as InternedSubject
    const { principals, identity } = (subject ?? {}) as Partial<Subject>
    return this.subject(principals as readonly string[], identity) as InternedSubject
  }

  #startOf(principals: readonly string[], world?: World): Start {
    const { rules } = this.edition
    const known = principals.filter((principal) => rules.trie(principal, world) !== undefined)
    // `*` is any authenticated caller (DESIGN §7), and a caller without principals is none.
    if (principals.length > 0) known.push('*')
    const names = [...new Set(known)].sort()
    const key = `${world ?? ''}${JSON.stringify(names)}`
    let start = this.#starts.get(key)
    if (start === undefined) {
      start = { roots: names.flatMap((name) => rules.trie(name, world) ?? []), state: undefined }
      if (this.#starts.size >= MAX_STARTS) this.#starts = new Map()
      this.#starts.set(key, start)
    }
    return start
  }
}

function questionOf({ action, resource, time, context }: PolicyRequest): Question {
  return { action, resource, facts: { timeMs: time, context: context ?? NO_CONTEXT } }
}

function inOrder(a: Rule, b: Rule): number {
  return a.index - b.index
}

/** The cell of another action with the same rules: most rules are about several actions. */
function sameCell(cells: readonly (Cell | undefined)[], rules: readonly Rule[]): Cell | undefined {
  return cells.find((cell) => {
    return cell?.rules.length === rules.length && cell.rules.every((rule, at) => rule === rules[at])
  })
}

function checkFacts(time: unknown, context: unknown): void {
  if (time !== undefined && typeof time !== 'number') {
    throw new TypeError('time: expected milliseconds since the epoch')
  }
  if (context !== undefined && (typeof context !== 'object' || context === null)) {
    throw new TypeError('context: expected an object')
  }
}
