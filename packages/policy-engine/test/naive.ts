/**
 * DESIGN §7 read literally, with nothing shared with `src/`: every rule is looked at for every request. It trusts its
 * documents, knows IPv4 ranges and fixed-offset zones only, and is slow.
 */

import type { Context, PolicyConditions, PolicyDocument, PolicyRule } from '@secreg/policy-engine'

export interface NaiveRequest {
  readonly principals: readonly string[]
  readonly action: string
  readonly resource: string
  readonly time?: number | undefined
  readonly context?: Context | undefined
}

export interface NaiveDecision {
  decision: 'allow' | 'deny'
  rules: string[]
  obligations?: { ttlSeconds?: number; maxUses?: number }
}

/** `true`, `false`, or `undefined` for unknown. */
type Kleene = boolean | undefined

export function naiveDecide(
  documents: readonly PolicyDocument[],
  request: NaiveRequest,
): NaiveDecision {
  const denies: string[] = []
  const allows: string[] = []
  const ttls: number[] = []
  const uses: number[] = []
  for (const document of documents) {
    for (const rule of document.rules) {
      if (!concerns(rule, request)) continue
      const name = `${document.id}/${rule.id}`
      const holds = rule.when === undefined ? true : conjunction(rule.when, request)
      const excepted = rule.unless !== undefined && conjunction(rule.unless, request) === true
      if (excepted) continue
      if (rule.effect === 'deny' && holds !== false) denies.push(name)
      if (rule.effect === 'allow' && holds === true) {
        allows.push(name)
        if (rule.obligations?.ttlSeconds !== undefined) ttls.push(rule.obligations.ttlSeconds)
        if (rule.obligations?.maxUses !== undefined) uses.push(rule.obligations.maxUses)
      }
    }
  }
  if (denies.length > 0) return { decision: 'deny', rules: denies }
  if (allows.length === 0) return { decision: 'deny', rules: [] }
  const answer: NaiveDecision = { decision: 'allow', rules: allows }
  if (ttls.length + uses.length > 0) {
    answer.obligations = {}
    if (ttls.length > 0) answer.obligations.ttlSeconds = Math.min(...ttls)
    if (uses.length > 0) answer.obligations.maxUses = Math.min(...uses)
  }
  return answer
}

function concerns(rule: PolicyRule, { principals, action, resource }: NaiveRequest): boolean {
  if (principals.length === 0) return false
  const named = rule.principals.some((item) => item === '*' || principals.includes(item))
  if (!named || !(rule.actions as readonly string[]).includes(action)) return false
  return rule.resources.some((pattern) => naiveMatch(pattern, resource))
}

const SCHEMES = ['openbao+kv2:/', 'hashicorp+kv2:/', 'yaml:/']

/** Secrets elsewhere have a mount and something below it, and `scheme://**` is all of them. */
function naiveSecretMatch(pattern: string, secret: string): boolean {
  const scheme = SCHEMES.find((one) => secret.startsWith(`${one}/`))
  if (scheme === undefined || !pattern.startsWith(`${scheme}/`)) return false
  const place = secret.slice(scheme.length)
  if (place.split('/').length < 3) return false
  return naiveMatch(pattern.slice(scheme.length), place)
}

export function naiveMatch(pattern: string, resource: string): boolean {
  if (!resource.startsWith('/')) return naiveSecretMatch(pattern, resource)
  if (!pattern.startsWith('/')) return false
  if (resource === '/' || pattern === '/') return resource === pattern
  const want = pattern.slice(1).split('/')
  const have = resource.slice(1).split('/')
  if (have.some((segment) => ['', '.', '..'].includes(segment))) return false
  if (want.at(-1) === '**') {
    want.pop()
    if (have.length <= want.length) return false
    have.length = want.length
  }
  return want.length === have.length && want.every((text, at) => wild(text, have[at] ?? ''))
}

/** Table of all prefixes against all prefixes: quadratic, and plainly right. */
function wild(glob: string, text: string): boolean {
  let row = Array.from({ length: text.length + 1 }, (_, at) => at === 0)
  for (const want of glob) {
    const next: boolean[] = []
    for (let at = 0; at <= text.length; at++) {
      next[at] =
        want === '*'
          ? row[at] === true || next[at - 1] === true
          : at > 0 && row[at - 1] === true && text[at - 1] === want
    }
    row = next
  }
  return row[text.length] === true
}

function conjunction(conditions: PolicyConditions, request: NaiveRequest): Kleene {
  const values = Object.keys(conditions).map((name) =>
    member(name as keyof PolicyConditions, conditions, request),
  )
  if (values.includes(false)) return false
  return values.includes(undefined) ? undefined : true
}

function member(
  name: keyof PolicyConditions,
  conditions: PolicyConditions,
  { time, context = {} }: NaiveRequest,
): Kleene {
  const { ip, mfa, door, proof, purpose, metadata } = context
  switch (name) {
    case 'mfa':
      return mfa === undefined ? undefined : mfa === conditions.mfa
    case 'door':
      return door === undefined ? undefined : conditions.door?.includes(door)
    case 'proof':
      return proof === undefined ? undefined : conditions.proof?.includes(proof)
    case 'purpose':
      return purpose === undefined ? undefined : conditions.purpose?.includes(purpose)
    case 'ip':
      return ip === undefined ? undefined : conditions.ip?.some((range) => inV4(ip, range))
    case 'metadata':
      return metadata === undefined
        ? undefined
        : Object.entries(conditions.metadata ?? {}).every(([key, want]) => metadata[key] === want)
    case 'time':
      return time === undefined ? undefined : inWindow(time, conditions.time)
  }
}

function inV4(ip: string, range: string): boolean {
  const bitsOf = (text: string): string =>
    text
      .split('.')
      .map((octet) => Number(octet).toString(2).padStart(8, '0'))
      .join('')
  const [base = '', length = '32'] = range.split('/')
  return bitsOf(ip).slice(0, Number(length)) === bitsOf(base).slice(0, Number(length))
}

function inWindow(time: number, window: PolicyConditions['time']): boolean {
  // `Etc/GMT-2` is two hours east of Greenwich.
  const hours = -Number(/^Etc\/GMT([+-]\d+)$/.exec(window?.zone ?? '')?.[1] ?? 0)
  const now = new Date(time + hours * 3_600_000).toISOString().slice(11, 16)
  const { from = '', to = '' } = window ?? {}
  if (from === to) return false
  return from < to ? from <= now && now < to : now >= from || now < to
}
