/** Reading of one document and its rules into the checked form that everything else works on. */

import { ACTIONS, type Action, actionIndex } from './action.ts'
import { type Condition, type ConditionScope, readConditions } from './condition.ts'
import type { Effect, Obligations } from './document.ts'
import { type Pattern, parsePattern } from './pattern.ts'
import { quote, Reader } from './reader.ts'
import type { ForeignSource } from './sources/read.ts'

/** A checked rule. */
export interface Rule {
  /** `documentId/ruleId`. */
  readonly name: string
  /** Larger than that of every rule before it in the policy. */
  readonly index: number
  readonly effect: Effect
  readonly principals: readonly string[]
  readonly actions: readonly Action[]
  /** Bit `actionIndex(action)` of every action. */
  readonly actionMask: number
  readonly resources: readonly Pattern[]
  /** Empty: always. Equal conditions of a compilation are the same list. */
  readonly when: readonly Condition[]
  /** Empty: never. Equal conditions of a compilation are the same list. */
  readonly unless: readonly Condition[]
  readonly obligations: Obligations | undefined
}

/** Of a rule without a clause. */
export const NO_CONDITIONS: readonly Condition[] = Object.freeze([])

/** Ids of documents and rules. */
export const ID: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Principals of rules other than `*`. */
export const PRINCIPAL: RegExp = /^[a-z][a-z0-9_-]{0,31}:[^\s\p{Cc}*][^\p{Cc}*]{0,254}$/u

/** A document that was read. */
export interface CompiledDocument {
  readonly id: string
  /** Larger than that of every document before it. */
  readonly order: number
  /** Empty of a foreign document. */
  readonly rules: readonly Rule[]
  readonly foreign?: ForeignSource
}

/** What a compilation keeps while it reads. */
export interface RuleSource {
  readonly scope: ConditionScope
  readonly documentIds: Set<string>
  readonly patterns: Map<string, Pattern>
  /** Where a document stands among all. */
  orderOf(id: string): number
}

/** Numbers for the rules of one document; more rules than this would only be listed among those of the next. */
const RULE_NUMBERS = 2 ** 24

/** Position of a rule in its document. */
export function ruleNumber({ index }: Rule): number {
  return index % RULE_NUMBERS
}

const DOCUMENT_MEMBERS: ReadonlySet<string> = new Set(['id', 'description', 'rules'])

/** Read one document. @throws PolicyError */
export function readDocument(
  value: unknown,
  documentIndex: number,
  source: RuleSource,
): CompiledDocument {
  const bare = new Reader(value, { documentIndex }).object()
  const id = readId(bare.member('id'), source.documentIds, 'document')
  const reader = bare.named({ document: id }).object(DOCUMENT_MEMBERS)
  reader.optional('description')?.text()
  const order = source.orderOf(id)
  const ruleIds = new Set<string>()
  const rules = reader
    .member('rules')
    .items({ min: 0 })
    .map((item, at) => readRule(item, id, ruleIds, source, order * RULE_NUMBERS + at))
  return { id, order, rules }
}

const RULE_MEMBERS: ReadonlySet<string> = new Set([
  'id',
  'description',
  'effect',
  'principals',
  'actions',
  'resources',
  'when',
  'unless',
  'obligations',
])

function readRule(
  bare: Reader,
  document: string,
  ids: Set<string>,
  source: RuleSource,
  index: number,
): Rule {
  bare.object()
  const rule = readId(bare.member('id'), ids, 'rule')
  const at = bare.named({ rule }).object(RULE_MEMBERS)
  at.optional('description')?.text()
  const effect = readEffect(at.member('effect'))
  const actions = readActions(at.member('actions'))
  const when = at.optional('when')
  const unless = at.optional('unless')
  return {
    name: `${document}/${rule}`,
    index,
    effect,
    principals: readPrincipals(at.member('principals')),
    actions,
    actionMask: actions.reduce((mask, action) => mask | (1 << (actionIndex(action) ?? 0)), 0),
    resources: readResources(at.member('resources'), source.patterns),
    when: when === undefined ? NO_CONDITIONS : readConditions(when, source.scope),
    unless: unless === undefined ? NO_CONDITIONS : readConditions(unless, source.scope),
    obligations: readObligations(at.optional('obligations'), effect),
  }
}

/** Read an id that is not among the known ones, and note it there. */
export function readId(at: Reader, known: Set<string>, what: 'document' | 'rule'): string {
  const id = at.text('ERR_POLICY_ID')
  if (!ID.test(id)) {
    throw at.error(
      'ERR_POLICY_ID',
      `${quote(id)} is not an id: 1 to 64 letters, digits, ".", "_", "-"`,
    )
  }
  if (known.has(id)) throw at.error('ERR_POLICY_ID', `${what} id ${quote(id)} is used twice`)
  known.add(id)
  return id
}

function readEffect(at: Reader): Effect {
  const effect = at.value
  if (effect !== 'allow' && effect !== 'deny') {
    throw at.error('ERR_POLICY_SHAPE', 'expected "allow" or "deny"')
  }
  return effect
}

/** Read a list of principals, at least one. */
export function readPrincipals(at: Reader): readonly string[] {
  const principals = new Set<string>()
  for (const item of at.items({ min: 1 }, 'ERR_POLICY_PRINCIPAL')) {
    const text = item.text('ERR_POLICY_PRINCIPAL')
    if (text !== '*' && !PRINCIPAL.test(text)) {
      throw item.error('ERR_POLICY_PRINCIPAL', `${quote(text)} is neither "*" nor kind:name`)
    }
    principals.add(text)
  }
  return [...principals]
}

function readActions(at: Reader): readonly Action[] {
  const actions = new Set<Action>()
  for (const item of at.items({ min: 1 }, 'ERR_POLICY_ACTION')) {
    const text = item.text('ERR_POLICY_ACTION')
    const action = ACTIONS[actionIndex(text) ?? -1]
    if (action === undefined) {
      throw item.error(
        'ERR_POLICY_ACTION',
        `${quote(text)} is not an action: ${ACTIONS.join(', ')}`,
      )
    }
    actions.add(action)
  }
  return [...actions]
}

function readResources(at: Reader, known: Map<string, Pattern>): readonly Pattern[] {
  const patterns = new Set<Pattern>()
  for (const item of at.items({ min: 1 }, 'ERR_POLICY_PATTERN')) {
    const text = item.text('ERR_POLICY_PATTERN')
    let pattern = known.get(text)
    if (pattern === undefined) {
      const parsed = parsePattern(text)
      if (typeof parsed === 'string') {
        throw item.error('ERR_POLICY_PATTERN', `pattern ${quote(text)} ${parsed}`)
      }
      pattern = parsed
      known.set(text, pattern)
    }
    patterns.add(pattern)
  }
  return [...patterns]
}

const OBLIGATION_MEMBERS: ReadonlySet<string> = new Set(['ttlSeconds', 'maxUses'])

/** Read what a rule obliges to. */
export function readObligations(at: Reader | undefined, effect: Effect): Obligations | undefined {
  if (at === undefined) return undefined
  if (effect === 'deny') throw at.error('ERR_POLICY_OBLIGATION', 'a deny has no obligations')
  at.object(OBLIGATION_MEMBERS, 'ERR_POLICY_OBLIGATION')
  const ttlSeconds = readCount(at.optional('ttlSeconds'))
  const maxUses = readCount(at.optional('maxUses'))
  if (ttlSeconds === undefined && maxUses === undefined) {
    throw at.error('ERR_POLICY_OBLIGATION', 'must hold an obligation')
  }
  return obligationsOf(ttlSeconds, maxUses)
}

function readCount(at: Reader | undefined): number | undefined {
  if (at === undefined) return undefined
  if (typeof at.value !== 'number' || !Number.isSafeInteger(at.value) || at.value < 1) {
    throw at.error('ERR_POLICY_OBLIGATION', 'expected a whole number from 1')
  }
  return at.value
}

/** Obligations of these counts, or `undefined` if there are none. */
export function obligationsOf(
  ttlSeconds: number | undefined,
  maxUses: number | undefined,
): Obligations | undefined {
  if (ttlSeconds === undefined && maxUses === undefined) return undefined
  return Object.freeze({
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(maxUses === undefined ? {} : { maxUses }),
  })
}
