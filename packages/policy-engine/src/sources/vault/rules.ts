/**
 * All Vault documents that apply to one subject under one mount, as one rule set, asked by our actions and paths
 * (DESIGN §7): through the API word that a door names, or through the one that stands for the action.
 */

import { ACTIONS, type Action } from '../../action.ts'
import type { Decision } from '../../cell.ts'
import type { ExplainedRule, UnmetCondition } from '../../explain.ts'
import { below, meets } from '../mount.ts'
import {
  Answers,
  applying,
  type ForeignRules,
  type Outlook,
  outlook,
  type Question,
  SILENT,
} from '../source.ts'
import { apiPathOf, headOf, namedPath } from './api-path.ts'
import type { VaultRequest } from './request.ts'
import type { Speaker } from './rule-set.ts'
import { isDeny, namesOf, type Opinion, VaultRulesInTime } from './rules-in-time.ts'
import type { VaultSource } from './source.ts'
import type { VaultIdentity } from './template.ts'
import {
  CANONICAL_WORDS,
  operationOf,
  VAULT_ACTIONS,
  type VaultOperation,
  type VaultWord,
  WORDS_OF_ACTION,
} from './words.ts'

/** A word through which an action is asked. */
interface Way {
  readonly word: VaultWord
  /** What it is there, if anything. */
  readonly operation: VaultOperation | undefined
  /** It can allow; otherwise only deny. */
  readonly allows: boolean
}

/** What one way answers. */
interface Asked extends Opinion {
  /** That could allow; absent if nothing could. */
  readonly operation: VaultOperation | undefined
}

/** See `ForeignRules`. */
export class VaultRules implements ForeignRules {
  readonly #mount: string
  readonly #apiMount: string
  readonly #rules: VaultRulesInTime
  readonly #answers = new Answers()

  /** @param sources at least one, all of one mount */
  constructor(sources: readonly VaultSource[], identity: VaultIdentity) {
    const [{ mount, apiMount } = { mount: '/', apiMount: '' }] = sources
    this.#mount = mount
    this.#apiMount = apiMount
    this.#rules = new VaultRulesInTime(
      sources.flatMap(({ rules }) => rules),
      identity,
    )
  }

  verdict(question: Question): Decision | undefined {
    const asked = this.#ask(question)
    const denials = asked.some(({ denied }) => denied) ? denying(asked) : []
    return this.#answers.deny(denials) ?? this.#answers.allow(granted(asked))
  }

  outlook(question: Question): Outlook {
    const { resource, facts } = question
    if (!meets(this.#mount, resource)) return SILENT
    const rest = below(this.#mount, resource) ?? ''
    const path = namedPath(rest)
    let mayAllow = false
    let mayDeny = false
    let denies = false
    for (const { word, operation, allows } of waysOf(question)) {
      // Below the mount there is no config.
      if (word === 'config' && rest !== '') continue
      const head = headOf(this.#apiMount, word, path)
      for (const set of this.#rules.at(facts.timeMs)) {
        const speakers = set.within(head)
        mayAllow ||= speakers.some(({ permissions }) => {
          return allows && operation !== undefined && permissions.capabilities.has(operation)
        })
        mayDeny ||= speakers.some(isDeny)
        denies ||= rest !== '' && isDeniedBelow(head, speakers)
      }
    }
    return outlook({ mayAllow, mayDeny, denies })
  }

  explain(question: Question): readonly ExplainedRule[] {
    const asked = this.#ask(question)
    const names = granted(asked)
    if (names.length > 0) return names.map(applying)
    return asked.flatMap((opinion) => explainOne(opinion))
  }

  #ask(question: Question): readonly Asked[] {
    const { resource, facts } = question
    const rest = below(this.#mount, resource)
    if (rest === undefined) return []
    const request = requestOf(question)
    const named = namedPath(rest)
    return waysOf(question).flatMap(({ word, operation, allows }) => {
      const path = apiPathOf(this.#apiMount, word, named, operation)
      if (path === undefined) return []
      // Without an operation any will do: only whether the pattern denies is looked at.
      const opinion = this.#rules.opinion(path, operation ?? 'read', facts.timeMs, request)
      // What is not the one spelling of a name is denied by what denies it, and allowed by nothing.
      const counted = allows && named.canonical ? operation : undefined
      return [{ ...opinion, allowed: opinion.allowed && counted !== undefined, operation: counted }]
    })
  }
}

function requestOf({ facts: { context } }: Question): VaultRequest {
  const { api, mfa } = context
  return { parameters: api?.parameters, wrapTtlSeconds: api?.wrapTtlSeconds, mfa }
}

function waysOf({ action, facts: { context } }: Question): readonly Way[] {
  const { api } = context
  if (api !== undefined && Object.hasOwn(VAULT_ACTIONS, api.word)) {
    return [wayOfDoor(action, api.word, api.operation)]
  }
  const ways = WAYS.get(action) ?? []
  // A word that is none allows nothing.
  return api === undefined ? ways : ways.map((way) => ({ ...way, allows: false }))
}

/** Ways of an action through doors that say no word. */
const WAYS: ReadonlyMap<Action, readonly Way[]> = new Map(
  ACTIONS.map((action) => {
    const canonical = CANONICAL_WORDS[action]
    const ways = (WORDS_OF_ACTION.get(action) ?? []).map((word) => {
      const allows = word === canonical?.word && canonical.operation !== undefined
      return { word, operation: operationOf(word, action), allows }
    })
    return [action, ways]
  }),
)

/** The word of a door counts alone, and only as far as it stands for the action. */
function wayOfDoor(action: Action, word: VaultWord, operation: VaultOperation | undefined): Way {
  if (operation === undefined) return { word, operation: operationOf(word, action), allows: true }
  const actions = VAULT_ACTIONS[word]
  const known = Object.hasOwn(actions, operation)
  return { word, operation, allows: known && actions[operation].includes(action) }
}

function denying(asked: readonly Asked[]): string[] {
  const names = asked.flatMap(({ speakers }) => {
    return speakers.filter(isDeny).flatMap((speaker) => namesOf(speaker, 'deny'))
  })
  return [...new Set(names)]
}

function granted(asked: readonly Asked[]): string[] {
  const names = asked.flatMap(({ allowed, operation, speakers }) => {
    if (!allowed || operation === undefined) return []
    return speakers.flatMap((speaker) => namesOf(speaker, operation))
  })
  return [...new Set(names)]
}

function isDeniedBelow(head: string, speakers: readonly Speaker[]): boolean {
  const covers = ({ pattern }: Speaker): boolean => {
    return pattern.prefix && pattern.segments === undefined && head.startsWith(pattern.body)
  }
  return speakers.every(isDeny) && speakers.some(covers)
}

/** The pattern that speaks and does not deny, with what it lacks. */
function explainOne({ operation, speakers, unmet, denied }: Asked): readonly ExplainedRule[] {
  if (operation === undefined || denied) return []
  const lacking: UnmetCondition[] = unmet.map(({ condition, wants, unknown }) => ({
    clause: 'when',
    condition,
    wants,
    ...(unknown ? { unknown: true } : {}),
  }))
  return speakers.flatMap((speaker) =>
    speaker.sources.map(({ name, capabilities }): ExplainedRule => {
      const missing: UnmetCondition = { clause: 'when', condition: 'capability', wants: operation }
      const open: UnmetCondition = { clause: 'when', condition: 'time', wants: name, unknown: true }
      const other = lacking.length === 0 ? [open] : lacking
      const has = capabilities.has(operation)
      return { rule: name, effect: 'allow', applies: false, unmet: has ? other : [missing] }
    }),
  )
}
