/**
 * Conditions in three-valued logic (Kleene): a member of a condition whose part of the context is absent is unknown,
 * members combine as AND, and false beats unknown. What unknown then does is the rule's matter (DESIGN §7).
 */

import type { Context, Proof } from './document.ts'
import { type Address, type AddressRange, inRange, parseAddress, parseRange } from './ip.ts'
import { quote, type Reader } from './reader.ts'
import { systemZone, ZoneClock } from './zone-clock.ts'

/** A truth value, ordered so that AND is the minimum. */
export type Truth = typeof FALSE | typeof UNKNOWN | typeof TRUE
export const FALSE = 0
export const UNKNOWN = 1
export const TRUE = 2

/** Name of a member of `when` or `unless`. */
export type ConditionName = 'time' | 'ip' | 'mfa' | 'door' | 'proof' | 'purpose' | 'metadata'

/** Every condition, in the order in which they are evaluated: cheap ones first. */
export const CONDITION_NAMES: readonly ConditionName[] = Object.freeze([
  'mfa',
  'door',
  'proof',
  'purpose',
  'metadata',
  'ip',
  'time',
])

const CONDITION_MEMBERS: ReadonlySet<string> = new Set(CONDITION_NAMES)

/** What conditions are evaluated against. */
export interface Facts {
  readonly timeMs: number | undefined
  readonly context: Context
}

/** What a condition asks for, in a form that can be compared. */
export type Operand =
  | { readonly kind: 'flag'; readonly value: boolean }
  /** Any of these texts. */
  | { readonly kind: 'texts'; readonly values: ReadonlySet<string> }
  /** All of these members. */
  | { readonly kind: 'members'; readonly values: ReadonlyMap<string, string> }
  /** Any of these ranges. */
  | { readonly kind: 'ranges'; readonly values: readonly AddressRange[] }
  /** Minutes of the day; `from` after `to` wraps midnight, equal is never. */
  | { readonly kind: 'window'; readonly from: number; readonly to: number; readonly zone: string }

/** One member of `when` or `unless`. */
export interface Condition {
  readonly name: ConditionName
  /** The same text for the same condition. */
  readonly key: string
  /** What it asks for, for people: `09:00 to 17:00 Europe/Prague`. */
  readonly wants: string
  /** What it asks for, to be compared with that of other conditions of its name. */
  readonly operand: Operand
  evaluate(facts: Facts): Truth
}

/** What is shared by the conditions of one compilation. */
export class ConditionScope {
  readonly #clocks = new Map<string, ZoneClock>()
  #zone: string | undefined
  readonly #lists = new Map<string, readonly Condition[]>()
  readonly #ranges = new Map<string, AddressRange | string>()
  #addressText = ''
  #address: Address | undefined

  constructor(zone: string | undefined) {
    this.#zone = zone
  }

  /** Name of the zone of time windows that name none; asked for when one is read, since it takes milliseconds. */
  get systemZone(): string {
    this.#zone ??= systemZone()
    return this.#zone
  }

  /** How many things it holds. */
  get size(): number {
    return this.#clocks.size + this.#lists.size + this.#ranges.size
  }

  /** The clock of a zone. @throws RangeError for an unknown zone. */
  clock(zone: string | undefined): ZoneClock {
    const name = zone ?? this.systemZone
    let clock = this.#clocks.get(name)
    if (clock === undefined) {
      clock = new ZoneClock(name)
      this.#clocks.set(name, clock)
    }
    return clock
  }

  /** One list for all equal lists: many rules share few conditions, and are then evaluated as one. */
  intern(conditions: readonly Condition[]): readonly Condition[] {
    const key = JSON.stringify(conditions.map((condition) => condition.key))
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    this.#lists.set(key, conditions)
    return conditions
  }

  /** The range of a text, or what is wrong with it. */
  range(text: string): AddressRange | string {
    let range = this.#ranges.get(text)
    if (range === undefined) {
      range = parseRange(text)
      this.#ranges.set(text, range)
    }
    return range
  }

  /** The address of a text; the last one is kept, since one request meets many ranges. */
  address(text: string): Address | undefined {
    if (text !== this.#addressText) {
      this.#address = parseAddress(text)
      this.#addressText = text
    }
    return this.#address
  }
}

/** AND of several conditions. */
export function evaluateAll(conditions: readonly Condition[], facts: Facts): Truth {
  let truth: Truth = TRUE
  for (const condition of conditions) {
    const value = condition.evaluate(facts)
    if (value === FALSE) return FALSE
    if (value < truth) truth = value
  }
  return truth
}

/** Read the conditions of a `when` or `unless`. */
export function readConditions(reader: Reader, scope: ConditionScope): readonly Condition[] {
  reader.object(CONDITION_MEMBERS, 'ERR_POLICY_CONDITION')
  const conditions: Condition[] = []
  for (const name of CONDITION_NAMES) {
    const member = reader.optional(name)
    if (member !== undefined) conditions.push(READERS[name](member, scope))
  }
  // An empty `unless` would switch its rule off without a word, so emptiness is a mistake.
  if (conditions.length === 0) throw reader.error('ERR_POLICY_CONDITION', 'must hold a condition')
  return scope.intern(conditions)
}

const READERS: Readonly<Record<ConditionName, (at: Reader, scope: ConditionScope) => Condition>> = {
  time: readTime,
  ip: readIp,
  mfa: readMfa,
  door: (at) => readOneOf('door', at, (context) => context.door),
  proof: (at) => readOneOf('proof', at, (context) => context.proof, PROOFS),
  purpose: (at) => readOneOf('purpose', at, (context) => context.purpose),
  metadata: readMetadata,
}

/** Every kind of proof. */
export const PROOFS: readonly Proof[] = Object.freeze(['credential', 'kernel', 'asserted'])

/** A truth value that is known. */
export const truthOf = (value: boolean): Truth => (value ? TRUE : FALSE)

function readMfa(at: Reader): Condition {
  const wanted = at.value
  if (typeof wanted !== 'boolean') throw at.error('ERR_POLICY_CONDITION', 'expected true or false')
  return {
    name: 'mfa',
    key: `mfa ${wanted}`,
    wants: String(wanted),
    operand: { kind: 'flag', value: wanted },
    evaluate: ({ context: { mfa } }) =>
      typeof mfa === 'boolean' ? truthOf(mfa === wanted) : UNKNOWN,
  }
}

function readOneOf(
  name: 'door' | 'proof' | 'purpose',
  at: Reader,
  pick: (context: Context) => string | undefined,
  known?: readonly string[],
): Condition {
  const wanted = new Set<string>()
  for (const item of at.items({ min: 1 }, 'ERR_POLICY_CONDITION')) {
    const text = item.text('ERR_POLICY_CONDITION')
    if (text === '') throw item.error('ERR_POLICY_CONDITION', 'must not be empty')
    if (known !== undefined && !known.includes(text)) {
      throw item.error('ERR_POLICY_CONDITION', `${quote(text)} is not one of ${known.join(', ')}`)
    }
    wanted.add(text)
  }
  return {
    name,
    key: `${name} ${JSON.stringify([...wanted].sort())}`,
    wants: [...wanted].join(', '),
    operand: { kind: 'texts', values: wanted },
    evaluate: ({ context }) => {
      const actual = pick(context)
      return typeof actual === 'string' ? truthOf(wanted.has(actual)) : UNKNOWN
    },
  }
}

function readMetadata(at: Reader): Condition {
  const wanted: [string, string][] = at
    .entries('ERR_POLICY_CONDITION')
    .map(([key, value]) => [key, value.text('ERR_POLICY_CONDITION')])
  if (wanted.length === 0) throw at.error('ERR_POLICY_CONDITION', 'must not be empty')
  wanted.sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    name: 'metadata',
    key: `metadata ${JSON.stringify(wanted)}`,
    wants: wanted.map(([key, value]) => `${key} = ${value}`).join(', '),
    operand: { kind: 'members', values: new Map(wanted) },
    evaluate: ({ context: { metadata } }) =>
      typeof metadata !== 'object' || metadata === null
        ? UNKNOWN
        : truthOf(
            wanted.every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value),
          ),
  }
}

function readIp(at: Reader, scope: ConditionScope): Condition {
  const ranges: AddressRange[] = []
  const texts: string[] = []
  for (const item of at.items({ min: 1 }, 'ERR_POLICY_CONDITION')) {
    const text = item.text('ERR_POLICY_CONDITION')
    const range = scope.range(text)
    if (typeof range === 'string')
      throw item.error('ERR_POLICY_CONDITION', `${quote(text)} ${range}`)
    ranges.push(range)
    texts.push(text)
  }
  return {
    name: 'ip',
    key: `ip ${JSON.stringify(texts)}`,
    wants: texts.join(', '),
    operand: { kind: 'ranges', values: ranges },
    evaluate: ({ context: { ip } }) => {
      const address = typeof ip === 'string' ? scope.address(ip) : undefined
      return address === undefined
        ? UNKNOWN
        : truthOf(ranges.some((range) => inRange(address, range)))
    },
  }
}

const WINDOW_MEMBERS: ReadonlySet<string> = new Set(['from', 'to', 'zone'])
/** Times of day, `HH:MM`. */
export const CLOCK_TIME: RegExp = /^(?:[01]\d|2[0-3]):[0-5]\d$/

function readTime(at: Reader, scope: ConditionScope): Condition {
  at.object(WINDOW_MEMBERS, 'ERR_POLICY_CONDITION')
  const from = readMinute(at.member('from'))
  const to = readMinute(at.member('to'))
  const zoneAt = at.optional('zone')
  const clock = readClock(zoneAt ?? at, zoneAt?.text('ERR_POLICY_CONDITION'), scope)
  return {
    name: 'time',
    key: `time ${from} ${to} ${clock.zone}`,
    wants: `${formatMinute(from)} to ${formatMinute(to)} ${clock.zone}`,
    operand: { kind: 'window', from, to, zone: clock.zone },
    evaluate: ({ timeMs }) => {
      const minute = timeMs === undefined ? undefined : clock.minuteOfDay(timeMs)
      if (minute === undefined) return UNKNOWN
      if (from <= to) return truthOf(from <= minute && minute < to)
      return truthOf(from <= minute || minute < to)
    },
  }
}

function readMinute(at: Reader): number {
  const text = at.text('ERR_POLICY_CONDITION')
  if (!CLOCK_TIME.test(text)) {
    throw at.error('ERR_POLICY_CONDITION', `${quote(text)} is not a time HH:MM from 00:00 to 23:59`)
  }
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

function formatMinute(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

/** The clock of a zone that is written at a place, or of the system where none is. */
export function readClock(at: Reader, zone: string | undefined, scope: ConditionScope): ZoneClock {
  try {
    return scope.clock(zone)
  } catch (cause) {
    throw at.error('ERR_POLICY_CONDITION', `${quote(zone ?? '')} is not a known time zone`, cause)
  }
}
