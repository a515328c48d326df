/**
 * What a change of policies changes in terms of decisions. Both are walked together, by segments that stand for all
 * that match alike, until no new pair of places comes up; parts that say the same are passed over.
 */

import { ACTIONS, type Action } from './action.ts'
import { Budget, requireBound } from './budget.ts'
import { COMPILE_DEFAULTS } from './compile.ts'
import { PolicyIndex } from './decide.ts'
import type { DecisionChange } from './decision-change.ts'
import { type Edition, firstEdition } from './edition.ts'
import { askBoth, foreignChanges } from './foreign-diff.ts'
import { type ComparableOutcome, outcomeOf } from './outcome.ts'
import type { Pattern } from './pattern.ts'
import { patternContains, resourceOf, segmentsIntersect } from './pattern-algebra.ts'
import type { Rule } from './rule.ts'
import { type RuleSet, WORLDS, type World } from './rule-set.ts'
import { segmentClasses } from './segment-classes.ts'
import type { ForeignDocument } from './sources/document.ts'
import type { TrieNode } from './trie.ts'
import { TrieSignatures } from './trie-signature.ts'
import { collectRules, stepNodes } from './trie-walk.ts'

/** What {@link diff} found. */
export interface PolicyDiff {
  readonly changes: readonly DecisionChange[]
  /**
   * Nothing was left out: where no change is named, all requests are decided as before. Never so where foreign
   * documents differ, which are compared by a sample.
   */
  readonly complete: boolean
}

/** Options of {@link diff}. */
export interface DiffOptions {
  /** Principals of the subjects to compare for. Default: each principal that a rule names, alone and with `*`. */
  readonly subjects?: readonly (readonly string[])[]
  /** IANA zone of time windows that name none. Default: the zone of the system. */
  readonly systemZone?: string
  /** Bound of the work: places to compare and segments to try. A whole number from 1. Default 1,000,000. */
  readonly maxStates?: number
}

/** Defaults of {@link DiffOptions}. */
export const DIFF_DEFAULTS: Readonly<Required<Pick<DiffOptions, 'maxStates'>>> = Object.freeze({
  maxStates: 1_000_000,
})

/**
 * Compare two sets of policies by what they decide. Each set of conditions is taken to hold or not whatever the others
 * do, so a change may be named that needs conditions which cannot meet.
 *
 * A change is named once for each set of rules and their patterns that meet somewhere, with one resource as its
 * witness. Without `subjects`, a deny that comes or goes is a change also for those whose allows come from other
 * principals.
 *
 * @param before documents as for `compile`
 * @param after documents as for `compile`
 * @throws PolicyError as `compile`
 * @throws TypeError for arguments of the wrong type, RangeError if an option is out of range
 */
export function diff(
  before: readonly unknown[],
  after: readonly unknown[],
  options: DiffOptions = {},
): PolicyDiff {
  if (!Array.isArray(before)) throw new TypeError('before: expected an array')
  if (!Array.isArray(after)) throw new TypeError('after: expected an array')
  const { subjects, systemZone, maxStates = DIFF_DEFAULTS.maxStates } = options
  const budget = new Budget(requireBound('maxStates', maxStates))
  const given = subjects === undefined ? undefined : checkSubjects(subjects)
  const editions: Editions = [firstEdition(before, systemZone), firstEdition(after, systemZone)]
  const search = new Search(editions[0].rules, editions[1].rules, budget)
  const changes = WORLDS.flatMap((world) =>
    given === undefined
      ? search.differing(world).flatMap((principals) => {
          return search.compare(world, principals, [principals[0] ?? '*', '*'], false)
        })
      : given.flatMap((principals) => {
          const names = principals.length === 0 ? [] : [...principals, '*']
          return search.compare(world, principals, names, true)
        }),
  )
  const foreign = foreignChanges(before, after)
  if (foreign.length === 0) return { changes, complete: search.complete && !budget.exhausted }
  const [old, now] = editions.map((edition) => new PolicyIndex(edition, COMPILE_DEFAULTS.maxKept))
  const asked = given ?? concernedBy(foreign, editions)
  if (old !== undefined && now !== undefined) {
    changes.push(...askBoth([old, now], foreign, asked, budget))
  }
  return { changes, complete: false }
}

/** Before and after. */
type Editions = readonly [Edition, Edition]

/** Subjects to which one of the documents applies: by a principal of it alone, and with each that foreign rules name. */
function concernedBy(documents: readonly ForeignDocument[], editions: Editions): string[][] {
  const named = new Set(editions.flatMap(({ foreign }) => [...foreign.principals()]))
  const attached = new Set(documents.flatMap(({ principals }) => principals))
  const subjects = [...attached].flatMap((one) => {
    const others = [...named].filter((name) => name !== one && name !== '*')
    return [[one], ...others.map((other) => [one, other].sort())]
  })
  return [...new Map(subjects.map((subject) => [subject.join('\n'), subject])).values()]
}

function checkSubjects(subjects: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const fine =
    Array.isArray(subjects) &&
    subjects.every(
      (principals) =>
        Array.isArray(principals) && principals.every((name) => typeof name === 'string'),
    )
  if (!fine) throw new TypeError('subjects: expected lists of strings')
  return subjects
}

/** A place in both policies. */
interface Pair {
  readonly old: readonly TrieNode[]
  readonly now: readonly TrieNode[]
  readonly segments: readonly string[]
}

type Change = Omit<DecisionChange, 'principals'>

/** One comparison of two rule sets. */
class Search {
  readonly #signatures = new TrieSignatures()
  readonly #old: RuleSet
  readonly #now: RuleSet
  readonly #budget: Budget
  readonly #fresh: string
  #missed = false

  constructor(old: RuleSet, now: RuleSet, budget: Budget) {
    this.#old = old
    this.#now = now
    this.#budget = budget
    this.#fresh = freshCharacter([old, now])
  }

  /** No way of matching was left out. */
  get complete(): boolean {
    return !this.#missed
  }

  /** Principals whose own rules differ, those together of which the same rules say the same. */
  differing(world: World): string[][] {
    const groups = new Map<string, string[]>()
    const both = [this.#old, this.#now]
    const names = new Set(both.flatMap((rules) => [...rules.tries(world)].map(([name]) => name)))
    for (const principal of [...names].sort()) {
      const [was, is] = both.map((rules) => this.#signatures.of(rules.trie(principal, world)))
      if (was === is) continue
      const named = both.map((rules) => namesIn(rules.trie(principal, world)))
      // `*` stands for itself: others have it beside their own.
      const key = JSON.stringify(principal === '*' ? principal : [was, is, named])
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [principal])
      else group.push(principal)
    }
    return [...groups.values()]
  }

  /**
   * @param world of which resources
   * @param principals to name in the changes
   * @param names whose rules to walk
   * @param closed see {@link outcomeOf}
   */
  compare(
    world: World,
    principals: readonly string[],
    names: readonly string[],
    closed: boolean,
  ): DecisionChange[] {
    const rootsIn = (rules: RuleSet): TrieNode[] =>
      [...new Set(names)].flatMap((name) => rules.trie(name, world) ?? [])
    const changes: DecisionChange[] = []
    const known = new Set<string>()
    const seen = new Set<string>()
    const queue: Pair[] = []
    const visit = (pair: Pair): void => {
      const { old, now } = pair
      if (this.#signatures.ofAll(old) === this.#signatures.ofAll(now)) return
      const key = [old, now].map((nodes) => nodes.map(({ id }) => id).join()).join(' ')
      if (seen.has(key)) return
      seen.add(key)
      queue.push(pair)
    }
    visit({ old: rootsIn(this.#old), now: rootsIn(this.#now), segments: [] })
    for (let at = 0; at < queue.length; at++) {
      const pair = queue[at]
      if (pair === undefined || !this.#budget.spend()) break
      changes.push(...changesAt(pair, world, closed, known).map((one) => ({ principals, ...one })))
      for (const segment of this.#segmentsAt(pair)) {
        if (!this.#budget.spend()) break
        const [old, now] = [stepNodes(pair.old, segment), stepNodes(pair.now, segment)]
        visit({ old, now, segments: [...pair.segments, segment] })
      }
    }
    return changes
  }

  /** Segments that lead to all pairs of places to which any leads, save those that say the same. */
  #segmentsAt({ old, now }: Pair): Iterable<string> {
    const segments = new Set([this.#fresh])
    const globs = new Map<string, boolean>()
    for (const node of [...old, ...now]) {
      for (const text of node.literals?.keys() ?? []) segments.add(text)
      for (const text of node.globs?.keys() ?? []) globs.set(text, false)
    }
    const literals = new Set(segments)
    const wanted = this.#globsThatMatter(old, now, [...globs.keys()])
    const found = segmentClasses(wanted, literals, this.#fresh, this.#budget)
    if (!found.complete) this.#missed = true
    for (const segment of found.segments) segments.add(segment)
    return segments
  }

  /** Globs behind which something differs, and those that can match the same text as one of them. */
  #globsThatMatter(
    old: readonly TrieNode[],
    now: readonly TrieNode[],
    globs: readonly string[],
  ): string[] {
    const behind = (nodes: readonly TrieNode[], text: string): string =>
      this.#signatures.ofAll(nodes.flatMap((node) => node.globs?.get(text) ?? []))
    const others = (nodes: readonly TrieNode[]): string =>
      this.#signatures.ofAll(
        nodes.flatMap((node) => [node.any ?? [], node.rest ?? [], node.sticky ? node : []].flat()),
      )
    if (others(old) !== others(now)) return [...globs]
    const changed = globs.filter((text) => behind(old, text) !== behind(now, text))
    return globs.filter((text) => {
      this.#budget.spend(changed.length)
      return changed.some((other) => meet(text, other))
    })
  }
}

function namesIn(root: TrieNode | undefined): string[] {
  const rules = new Set<Rule>()
  if (root !== undefined) collectRules(root, rules)
  return [...rules].map(({ name }) => name).sort()
}

function meet(a: string, b: string): boolean {
  return a === b || segmentsIntersect({ kind: 'glob', text: a }, { kind: 'glob', text: b })
}

/** Changes of one place that are not known yet. */
function changesAt(
  { old, now, segments }: Pair,
  world: World,
  closed: boolean,
  known: Set<string>,
): Change[] {
  const resource = resourceOf(world, segments)
  const place = patternOf(world, resource, segments)
  const [was, is] = [rulesAt(old), rulesAt(now)]
  const found = new Map<string, Change & { readonly actions: Action[] }>()
  const kept = new Map<string, ComparableOutcome>()
  const outcomeFor = (rules: readonly Rule[], bit: number, side: string): ComparableOutcome => {
    const speaking = rules.filter(({ actionMask }) => (actionMask & bit) !== 0)
    const key = side + speaking.map(({ index }) => index).join()
    const outcome = kept.get(key) ?? outcomeOf(speaking, closed)
    kept.set(key, outcome)
    return outcome
  }
  for (const [index, action] of ACTIONS.entries()) {
    const before = outcomeFor(was, 1 << index, 'before ')
    const after = outcomeFor(is, 1 << index, 'after ')
    if (before.key === after.key) continue
    const rules = [...before.rules, ...after.rules]
    const matching = rules
      .flatMap((rule) => rule.resources)
      .filter((one) => patternContains(one, place))
    const patterns = [...new Set(matching.map(({ text }) => text))]
    const pair = JSON.stringify([before.outcome, after.outcome, patterns])
    if (known.has(`${action} ${pair}`)) continue
    known.add(`${action} ${pair}`)
    const change = found.get(pair)
    if (change !== undefined) change.actions.push(action)
    else {
      const outcomes = { before: before.outcome, after: after.outcome }
      found.set(pair, { actions: [action], resource, patterns, ...outcomes })
    }
  }
  return [...found.values()]
}

/** The pattern that only one resource matches. */
function patternOf(world: World, text: string, segments: readonly string[]): Pattern {
  return {
    text,
    ...(world === undefined ? {} : { scheme: world }),
    segments: segments.map((text) => ({ kind: 'literal', text })),
    rest: false,
  }
}

function rulesAt(nodes: readonly TrieNode[]): Rule[] {
  return [...new Set(nodes.flatMap((node) => node.rules))]
}

/** Characters that people can read, to stand for a segment that no literal names. */
const READABLE = 'xyzqkwvj0'

/** A character that is in no pattern of these rules. */
function freshCharacter(all: readonly RuleSet[]): string {
  const used = new Set<string>()
  for (const rules of all) {
    for (const document of rules.documents) {
      for (const rule of document.rules) {
        for (const { text } of rule.resources) for (const unit of text) used.add(unit)
      }
    }
  }
  for (const unit of READABLE) if (!used.has(unit)) return unit
  // Ideographs compose with nothing (Unicode form NFC leaves them alone).
  let code = 0x4e00
  while (used.has(String.fromCodePoint(code))) code++
  return String.fromCodePoint(code)
}
