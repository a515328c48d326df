/** The conformance cases, run in process; see `vectors/README.md`. */
import { readFileSync } from 'node:fs'
import { answerPacket, type SubauthPort } from '@secreg/subauth/server'

interface Zone {
  readonly desc: string
  readonly 'allow-passwd': 0 | 1
  readonly 'allow-tokens': 0 | 1
  readonly 'allow-passwd-auth': 0 | 1
  readonly 'max-temp-validity': number
  readonly 'auto-create': 0 | 1
}

interface Vectors {
  readonly zones: Readonly<Record<string, Zone>>
  readonly users: Readonly<Record<string, number>>
  readonly callers: Readonly<Record<string, number>>
}

interface Case {
  readonly id: string
  readonly as: string
  readonly req?: unknown
  readonly raw?: string
  readonly expect: Readonly<Record<string, unknown>>
  readonly note?: string
  readonly delayMs?: number
}

/** A server with the zones of the vectors. */
export interface CaseSite {
  /** The accounts as a caller sees them; without a name of the system, he is none of its users. */
  portOf(uid: number, systemUser: string | undefined): SubauthPort
  pass(ms: number): void
}

const read = (file: string) => readFileSync(new URL(`vectors/${file}`, import.meta.url), 'utf8')

export const VECTORS = JSON.parse(read('site.json')) as Vectors

export const CASES: readonly Case[] = read('cases.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)

/** Name of the user that a uid is. */
export function userOf(uid: number): string | undefined {
  return Object.entries(VECTORS.users).find(([, one]) => one === uid)?.[0]
}

/** Run all cases in order. @returns what of each does not match, and whether the connection is to be closed behind it */
export async function runCases(site: CaseSite): Promise<Map<string, CaseOutcome>> {
  const saved = new Map<string, string>()
  const outcomes = new Map<string, CaseOutcome>()
  for (const { as, delayMs = 0, expect, id, raw, req } of CASES) {
    site.pass(delayMs)
    const uid = VECTORS.callers[as] as number
    const packet = raw ?? JSON.stringify(filled(req, saved))
    const data = new TextEncoder().encode(packet)
    const { close, reply } = await answerPacket({ data }, site.portOf(uid, userOf(uid)))
    const faults: string[] = []
    const answer = JSON.parse(new TextDecoder().decode(reply)) as Record<string, unknown>
    match(filled(expect, saved), answer, '', faults, saved)
    const exact = !('accounts' in expect || 'zones' in expect)
    if (exact && Object.keys(answer).sort().join() !== Object.keys(expect).sort().join()) {
      faults.push(`keys: ${Object.keys(answer).join()}`)
    }
    outcomes.set(id, { faults, close, error: String(answer['error']) })
  }
  return outcomes
}

export interface CaseOutcome {
  readonly faults: readonly string[]
  readonly close: boolean
  readonly error: string
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** With what was saved in the places that refer to it. */
function filled(value: unknown, saved: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => filled(one, saved))
  if (!isObject(value)) return value
  if ('$ref' in value) {
    const text = saved.get(value['$ref'] as string)
    if (text === undefined) throw new Error(`nothing is saved as ${String(value['$ref'])}`)
    return text
  }
  if ('$concat' in value) return (filled(value['$concat'], saved) as string[]).join('')
  if ('$flipLast' in value) return flipLast(filled(value['$flipLast'], saved) as string)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, saved)]))
}

/** The last character replaced by another of its kind. */
function flipLast(text: string): string {
  const last = text.at(-1) as string
  const kinds = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const kind = kinds.find((one) => one.includes(last)) ?? '-_'
  return text.slice(0, -1) + kind[(kind.indexOf(last) + 1) % kind.length]
}

function match(
  wanted: unknown,
  got: unknown,
  at: string,
  faults: string[],
  saved: Map<string, string>,
): void {
  const fault = (what: string): void => {
    faults.push(`${at}: ${what}, got ${JSON.stringify(got)}`)
  }
  if (!isObject(wanted)) {
    if (JSON.stringify(wanted) !== JSON.stringify(got)) fault(`expected ${JSON.stringify(wanted)}`)
    return
  }
  const matchers = Object.keys(wanted).filter((key) => key.startsWith('$'))
  for (const matcher of matchers) {
    const argument = wanted[matcher]
    if (!MATCHERS[matcher]?.(argument, got)) fault(`${matcher} ${JSON.stringify(argument)}`)
    if (matcher === '$save') saved.set(argument as string, got as string)
  }
  if (matchers.length > 0) return
  if (!isObject(got)) {
    fault('expected an object')
    return
  }
  for (const [key, one] of Object.entries(wanted)) {
    match(one, got[key], `${at}/${key}`, faults, saved)
  }
}

const MATCHERS: Readonly<Record<string, (argument: unknown, got: unknown) => boolean>> = {
  $nonEmpty: (_, got) => typeof got === 'string' && got !== '',
  $re: (pattern, got) => typeof got === 'string' && new RegExp(pattern as string).test(got),
  $type: (type, got) =>
    type === 'array'
      ? Array.isArray(got)
      : type === 'integer'
        ? Number.isSafeInteger(got)
        : typeof got === type,
  $contains: (one, got) =>
    Array.isArray(got) &&
    got.some((element) => {
      const faults: string[] = []
      match(one, element, '', faults, new Map())
      return faults.length === 0
    }),
  $noKeyDeep: (keys, got) => !hasKeyDeep(got, keys as readonly string[]),
  $save: (_, got) => typeof got === 'string',
}

function hasKeyDeep(value: unknown, keys: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(
    ([key, one]) => (!Array.isArray(value) && keys.includes(key)) || hasKeyDeep(one, keys),
  )
}
