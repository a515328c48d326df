/** Vault rules that expire: the rule set of each stretch of time between two expirations (specs/kv2.md §3). */

import { unmetOf, type VaultRequest, type VaultUnmet } from './request.ts'
import { type NamedRule, type Speaker, VaultRuleSet } from './rule-set.ts'
import type { VaultIdentity } from './template.ts'
import type { VaultOperation } from './words.ts'

/** Rule sets that are kept; dropped together when they are more. */
const MAX_KEPT = 16

/** What the rules say of an operation on a path. */
export interface Opinion {
  /** The pattern that speaks denies. */
  readonly denied: boolean
  readonly allowed: boolean
  /** The pattern that speaks; several if the time is not known and it matters. */
  readonly speakers: readonly Speaker[]
  /** What keeps the first speaker with the capability from allowing. */
  readonly unmet: readonly VaultUnmet[]
}

const SILENT: Opinion = Object.freeze({ denied: false, allowed: false, speakers: [], unmet: [] })

/** The rules of one subject. */
export class VaultRulesInTime {
  readonly #rules: readonly NamedRule[]
  readonly #identity: VaultIdentity
  /** Ascending, without duplicates. */
  readonly #expirations: readonly number[]
  readonly #sets = new Map<number, VaultRuleSet>()
  /** Where nothing expires. */
  readonly #only: readonly VaultRuleSet[] | undefined

  constructor(rules: readonly NamedRule[], identity: VaultIdentity) {
    this.#rules = rules
    this.#identity = identity
    const times = new Set(rules.map(({ rule }) => rule.expiresAtMs).filter(Number.isFinite))
    this.#expirations = [...times].sort((a, b) => a - b)
    if (times.size === 0) this.#only = [new VaultRuleSet(rules, identity)]
  }

  /** The rule set of a time, or all there are if the time is not known: what they all allow is allowed. */
  at(timeMs: number | undefined): readonly VaultRuleSet[] {
    if (this.#only !== undefined) return this.#only
    const times = this.#expirations
    if (timeMs !== undefined && !Number.isNaN(timeMs)) {
      const passed = times.findIndex((time) => timeMs < time)
      return [this.#set(passed === -1 ? times.length : passed)]
    }
    return [...Array(times.length + 1).keys()].map((passed) => this.#set(passed))
  }

  /** @param path of the API without a leading `/`; with one at its end if it is listed */
  opinion(
    path: string,
    operation: VaultOperation,
    timeMs: number | undefined,
    request: VaultRequest,
  ): Opinion {
    const listing = operation === 'list' || operation === 'scan'
    const sets = this.at(timeMs)
    const [first] = sets
    if (first !== undefined && sets.length === 1) {
      return opinionOf(first.speaker(path, listing), operation, request)
    }
    const speakers = sets.map((set) => set.speaker(path, listing))
    const found = speakers.filter((speaker) => speaker !== undefined)
    const unmet = speakers.map((speaker) =>
      speaker?.permissions.capabilities.has(operation) === true
        ? unmetOf(speaker.permissions, operation, request)
        : undefined,
    )
    return {
      denied: found.some(isDeny),
      allowed: unmet.every((lacks) => lacks?.length === 0),
      speakers: [...new Set(found)],
      unmet: unmet.find((lacks) => lacks !== undefined) ?? [],
    }
  }

  /** @param passed how many of the expirations are over */
  #set(passed: number): VaultRuleSet {
    let set = this.#sets.get(passed)
    if (set === undefined) {
      const over = this.#expirations[passed - 1] ?? Number.NEGATIVE_INFINITY
      const rules = this.#rules.filter(({ rule }) => rule.expiresAtMs > over)
      set = new VaultRuleSet(rules, this.#identity)
      if (this.#sets.size >= MAX_KEPT) this.#sets.clear()
      this.#sets.set(passed, set)
    }
    return set
  }
}

/** What the one pattern that speaks says. */
function opinionOf(
  speaker: Speaker | undefined,
  operation: VaultOperation,
  request: VaultRequest,
): Opinion {
  if (speaker === undefined) return SILENT
  const { permissions } = speaker
  const capable = permissions.capabilities.has(operation)
  const unmet = capable ? unmetOf(permissions, operation, request) : []
  const allowed = capable && unmet.length === 0
  return { denied: isDeny(speaker), allowed, speakers: [speaker], unmet }
}

/** Tell whether a pattern denies. */
export function isDeny({ permissions }: Speaker): boolean {
  return permissions.capabilities.has('deny')
}

/** Names of the rules that grant an operation, or `deny`, through the pattern that speaks. */
export function namesOf(
  { sources, names }: Speaker,
  capability: VaultOperation | 'deny',
): readonly string[] {
  let known = names.get(capability)
  if (known === undefined) {
    const granting = sources.filter(({ capabilities }) => capabilities.has(capability))
    known = [...new Set(granting.map(({ name }) => name))]
    names.set(capability, known)
  }
  return known
}
