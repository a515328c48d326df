/**
 * The rules of each foreign system read literally from its description, with nothing shared with `src/`: every rule is
 * looked at for every request. It trusts its documents, knows fixed-offset zones and IPv4, and is slow.
 */

import type {
  AclCondition,
  AclDocument,
  Context,
  ForeignDocument,
  LibvirtDocument,
  PolicyDocument,
  SetecDocument,
  VaultDocument,
} from '@secreg/policy-engine'
import { type NaiveDecision, type NaiveRequest, naiveDecide } from '../naive.ts'
import { NAMES } from './arbitrary-foreign.ts'

type Verdict = { readonly effect: 'allow' | 'deny'; readonly rules: readonly string[] } | undefined

/** By segment: the name that it is, or `null`. */
type Names = Readonly<Record<string, string | null>>

/** Any deny denies, else any allow allows. */
export function naiveMixed(
  native: readonly PolicyDocument[],
  foreign: readonly ForeignDocument[],
  request: NaiveRequest,
  names: Names = NAMES,
): NaiveDecision {
  const own = naiveDecide(native, request)
  const verdicts: Verdict[] = walkable(request.resource)
    ? naiveForeign(foreign, request, names)
    : []
  const denials = verdicts.filter((verdict) => verdict?.effect === 'deny')
  const nativeDenies = own.decision === 'deny' && own.rules.length > 0
  if (nativeDenies || denials.length > 0) {
    const rules = denials.flatMap((verdict) => verdict?.rules ?? [])
    return { decision: 'deny', rules: [...(nativeDenies ? own.rules : []), ...rules] }
  }
  const allows = verdicts.flatMap((verdict) => verdict?.rules ?? [])
  if (allows.length === 0) return own
  return own.decision === 'allow'
    ? { ...own, rules: [...own.rules, ...allows] }
    : { decision: 'allow', rules: allows }
}

function walkable(resource: string): boolean {
  const segments = resource.slice(1).split('/')
  if (resource === '/') return true
  return resource.startsWith('/') && !segments.some((segment) => ['', '.', '..'].includes(segment))
}

export function naiveForeign(
  documents: readonly ForeignDocument[],
  request: NaiveRequest,
  names: Names = NAMES,
): Verdict[] {
  const applying = documents.filter(({ principals }) => {
    return (
      request.principals.length > 0 &&
      principals.some((name) => name === '*' || request.principals.includes(name))
    )
  })
  const verdicts: Verdict[] = []
  const done = new Set<string>()
  for (const document of applying) {
    const whole = `${document.source} ${document.mount}`
    if (document.source === 'setec') verdicts.push(naiveSetec(document, request, names))
    else if (document.source === 'acl') verdicts.push(naiveAcl(document, request))
    else if (!done.has(whole)) {
      done.add(whole)
      const same = applying.filter((other) => `${other.source} ${other.mount}` === whole)
      verdicts.push(
        document.source === 'vault'
          ? naiveVault(same as VaultDocument[], request, names)
          : naiveLibvirt(same as LibvirtDocument[], request),
      )
    }
  }
  return verdicts
}

function rest(mount: string, resource: string): string[] | undefined {
  const base = mount === '/' ? [] : mount.slice(1).split('/')
  const have = resource === '/' ? [] : resource.slice(1).split('/')
  return base.every((segment, at) => have[at] === segment) ? have.slice(base.length) : undefined
}

/** specs/setec.md §2.1. */
function naiveSetec(
  { id, mount, rules }: SetecDocument,
  request: NaiveRequest,
  known: Names,
): Verdict {
  const below = rest(mount, request.resource)
  // The mount itself is the empty name.
  const name = below?.length === 0 ? '' : below?.length === 1 ? known[below[0] ?? ''] : undefined
  const word = SETEC[request.action]
  if (typeof name !== 'string' || word === undefined) return undefined
  const names = rules.flatMap(({ action = [], secret = [] }, index) => {
    const matches = secret.some((pattern) => wild(pattern, name))
    return action.includes(word) && matches ? [`${id}/${index}`] : []
  })
  return names.length === 0 ? undefined : { effect: 'allow', rules: names }
}

const SETEC: Readonly<Record<string, string>> = {
  read: 'get',
  decrypt: 'get',
  list: 'info',
  'read-metadata': 'info',
  watch: 'info',
  create: 'put',
  update: 'put',
  'create-version': 'create-version',
  activate: 'activate',
  delete: 'delete',
  destroy: 'delete',
  purge: 'delete',
}

/** All ways to cut the text for a star. */
function wild(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const [first, ...others] = [...pattern]
  const tail = others.join('')
  if (first !== '*') return text !== '' && text[0] === first && wild(tail, text.slice(1))
  return Array.from({ length: text.length + 1 }, (_, at) => text.slice(at)).some((left) =>
    wild(tail, left),
  )
}

/** specs/libvirt.md §10. */
function naiveLibvirt(documents: readonly LibvirtDocument[], request: NaiveRequest): Verdict {
  const below = rest(documents[0]?.mount ?? '', request.resource)
  if (below === undefined || below.length > 1) return undefined
  const [uuid] = below
  if (uuid !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid))
    return undefined
  const needed = (uuid === undefined ? CONNECT : SECRET)[request.action]
  if (needed === undefined) return undefined
  const usage = request.context?.usage
  const granting = needed.map((permission) =>
    documents.flatMap(({ id, rules }) =>
      rules.flatMap((rule, index) => {
        const secrets = rule.secrets ?? []
        const named = uuid === undefined || secrets.includes('*') || secrets.includes(uuid)
        const used =
          rule.usage === undefined ||
          (usage !== undefined &&
            usage.type === rule.usage.type &&
            wild(rule.usage.id ?? '*', usage.id ?? ''))
        return (rule.permissions as string[]).includes(permission) && named && used
          ? [`${id}/${index}`]
          : []
      }),
    ),
  )
  if (granting.some((names) => names.length === 0)) return undefined
  return { effect: 'allow', rules: [...new Set(granting.flat())] }
}

const CONNECT: Readonly<Record<string, string[]>> = {
  list: ['connect:search-secrets'],
  watch: ['connect:search-secrets'],
  'read-metadata': ['connect:getattr'],
}
const SECRET: Readonly<Record<string, string[]>> = {
  list: ['secret:getattr'],
  watch: ['secret:getattr'],
  'read-metadata': ['secret:read'],
  read: ['secret:read-secure'],
  decrypt: ['secret:read-secure'],
  update: ['secret:write'],
  create: ['secret:write', 'secret:save'],
  'write-metadata': ['secret:write', 'secret:save'],
  delete: ['secret:delete'],
  purge: ['secret:delete'],
}

/** specs/secreg.md §3, §7.2 rows 24 to 28. */
function naiveAcl({ id, mount, acls }: AclDocument, request: NaiveRequest): Verdict {
  const word = ACL[request.action]
  const path = rest('/', request.resource)
  if (word === undefined || path === undefined || rest(mount, request.resource) === undefined) {
    return undefined
  }
  for (let up = 0; up <= path.length; up++) {
    const key = `/${path.slice(0, path.length - up).join('/')}`
    const acl = acls[key]
    if (acl === undefined) continue
    const { mode = 'none', depth = 0 } = acl.inheritance ?? {}
    const reach = mode === 'none' ? 0 : mode === 'parent' ? 1 : depth === 0 ? 99 : depth
    if (up > reach) continue
    const names: string[] = []
    const owner = acl.owner?.includes(':') === true ? acl.owner : `user:${acl.owner}`
    const owns = acl.owner !== undefined && request.principals.includes(owner)
    if (owns && ['read', 'write', 'grant'].includes(word)) names.push(`${id}${key}#owner`)
    for (const [index, permission] of (acl.permissions ?? []).entries()) {
      const principal = `${permission.principal_type}:${permission.principal_name}`
      const named = request.principals.includes(principal)
      const held = (permission.conditions ?? []).every((one) => naiveCondition(one, request))
      if (named && (permission.actions as string[]).includes(word) && held) {
        names.push(`${id}${key}#${index}`)
      }
    }
    return names.length === 0 ? undefined : { effect: 'allow', rules: names }
  }
  return undefined
}

const ACL: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    read: 'list read-metadata read watch',
    write: 'create update patch create-version activate write-metadata',
    delete: 'delete undelete destroy purge',
    grant: 'grant',
    decrypt: 'decrypt',
    admin: 'account policy policy-read mount audit-read seal rotate backup export',
  }).flatMap(([word, actions]) => actions.split(' ').map((action) => [action, word])),
)

function naiveCondition(condition: AclCondition, { time, context = {} }: NaiveRequest): boolean {
  switch (condition.type) {
    case 'require_mfa':
      return condition.require_mfa === false || context.mfa === true
    case 'require_tpm':
      return condition.require_tpm === false
    case 'ip_range': {
      const number = (ip: string): number =>
        ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
      if (context.ip === undefined) return false
      const ip = number(context.ip)
      return number(condition.min_ip) <= ip && ip <= number(condition.max_ip)
    }
    case 'time_range': {
      if (time === undefined) return false
      // `Etc/GMT-2` is two hours east of Greenwich, and the zone of the system in these tests.
      const hours = -Number(/^Etc\/GMT([+-]\d+)$/.exec(condition.zone ?? 'Etc/GMT-2')?.[1] ?? 0)
      const day = new Date(time + hours * 3_600_000).toISOString().slice(11, 19).split(':')
      const second = Number(day[0]) * 3600 + Number(day[1]) * 60 + Number(day[2])
      const { start_time: start, end_time: end } = condition
      if (start === end) return false
      return start < end ? start <= second && second < end : second >= start || second < end
    }
  }
}

/** specs/kv2.md §3, with DESIGN §7 for what an action is. */
function naiveVault(
  documents: readonly VaultDocument[],
  request: NaiveRequest,
  known: Names,
): Verdict {
  const [{ mount, apiMount } = { mount: '', apiMount: '' }] = documents
  const below = rest(mount, request.resource)
  if (below === undefined) return undefined
  const denies: string[] = []
  const allows: string[] = []
  for (const { word, operation, grants } of waysOf(request)) {
    const listing = operation === 'list' || operation === 'scan'
    if (word === 'config' ? below.length > 0 : below.length === 0 && !listing) continue
    const names = below.map((segment) => {
      const name = known[segment] ?? undefined
      return name === undefined || name.includes('/') || name === '..' ? undefined : name
    })
    const text = names.map((name, at) => name ?? below[at]).join('/')
    const tail = listing && below.length > 0 ? `${text}/` : text
    const path = word === 'config' ? `${apiMount}/config` : `${apiMount}/${word}/${tail}`
    const speaker = speakerOf(documents, path, listing)
    if (speaker === undefined) continue
    const denied = speaker.rules.filter(({ capabilities }) => capabilities.includes('deny'))
    if (denied.length > 0) denies.push(...denied.map(({ name }) => name))
    else if (grants && !names.includes(undefined)) {
      const granting = speaker.rules.filter(({ capabilities }) => capabilities.includes(operation))
      const held = speaker.rules.every(({ mfa }) => !mfa || request.context?.mfa === true)
      if (held) allows.push(...granting.map(({ name }) => name))
    }
  }
  if (denies.length > 0) return { effect: 'deny', rules: [...new Set(denies)] }
  return allows.length > 0 ? { effect: 'allow', rules: [...new Set(allows)] } : undefined
}

interface NaiveRule {
  readonly name: string
  readonly pattern: string
  readonly capabilities: readonly string[]
  readonly mfa: boolean
}

export function speakerOf(
  documents: readonly VaultDocument[],
  path: string,
  listing: boolean,
): { readonly rules: readonly NaiveRule[] } | undefined {
  const rules = documents.flatMap(({ id, policies }) =>
    policies.flatMap((policy) =>
      Object.entries(policy.path).map(([text, rule]): NaiveRule => {
        const pattern = text.replace(/^\//, '')
        const capabilities = rule.capabilities ?? []
        const deny = capabilities.includes('deny')
        return {
          name: `${id}/${pattern}`,
          pattern,
          capabilities: deny ? ['deny'] : capabilities,
          mfa: !deny && (rule.mfa_methods ?? []).length > 0,
        }
      }),
    ),
  )
  const of = (pattern: string) => rules.filter((rule) => rule.pattern === pattern)
  const patterns = [...new Set(rules.map(({ pattern }) => pattern))]
  const isWild = (pattern: string): boolean =>
    pattern.endsWith('*') || pattern.split('/').includes('+')
  const spellings = listing ? [path, path.replace(/\/$/, '')] : [path]
  for (const spelling of spellings) {
    if (patterns.includes(spelling) && !isWild(spelling)) return { rules: of(spelling) }
  }
  const matching = patterns.filter((pattern) => isWild(pattern) && toRegExp(pattern).test(path))
  let best: string | undefined
  for (const pattern of matching) if (best === undefined || beats(pattern, best)) best = pattern
  return best === undefined ? undefined : { rules: of(best) }
}

function toRegExp(pattern: string): RegExp {
  const prefix = pattern.endsWith('*')
  const body = prefix ? pattern.slice(0, -1) : pattern
  const segments = body
    .split('/')
    .map((segment) => (segment === '+' ? '[^/]*' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${segments.join('/')}${prefix ? '.*' : ''}$`, 'su')
}

/** Rules a to e, in the order in which specs/kv2.md gives them. */
function beats(one: string, other: string): boolean {
  const firstWild = (text: string): number => {
    let at = 0
    for (const segment of text.split('/')) {
      if (segment === '+') return at
      at += segment.length + 1
    }
    return text.length - (text.endsWith('*') ? 1 : 0)
  }
  const plusses = (text: string): number =>
    text
      .replace(/\*$/, '')
      .split('/')
      .filter((segment) => segment === '+').length
  const a = firstWild(one) - firstWild(other)
  if (a !== 0) return a > 0
  if (one.endsWith('*') !== other.endsWith('*')) return other.endsWith('*')
  const c = plusses(one) - plusses(other)
  if (c !== 0) return c < 0
  if (one.length !== other.length) return one.length > other.length
  return one > other
}

interface NaiveWay {
  readonly word: string
  readonly operation: string
  readonly grants: boolean
}

/** Word and operation of each action; the first of each line is what counts where no door says a word. */
const PAIRS: Readonly<Record<string, readonly string[]>> = {
  read: ['data read', 'subkeys read'],
  decrypt: ['data read', 'subkeys read'],
  watch: ['data read'],
  create: ['data create'],
  update: ['data update'],
  activate: ['data update'],
  patch: ['data patch'],
  delete: ['data delete', 'delete update'],
  undelete: ['undelete update'],
  destroy: ['destroy update'],
  list: ['metadata list', 'detailed-metadata list', 'metadata scan', 'detailed-metadata scan'],
  'read-metadata': ['metadata read', 'config read'],
  'write-metadata': ['metadata update', 'metadata create', 'metadata patch'],
  purge: ['metadata delete'],
  mount: ['config update'],
}

/** Actions that no word grants, but whose word can refuse them. */
const REFUSABLE: Readonly<Record<string, string>> = {
  'use-internal': 'data',
  'create-version': 'data',
  export: 'data',
  grant: 'metadata',
}

function waysOf({ action, context }: NaiveRequest): NaiveWay[] {
  const pairs = (PAIRS[action] ?? []).map((pair) => {
    const [word = '', operation = ''] = pair.split(' ')
    return { word, operation }
  })
  const api: Context['api'] = context?.api
  if (api === undefined) {
    const ways = pairs
      .filter(({ word }, at) => pairs.findIndex((other) => other.word === word) === at)
      .map((pair, at) => ({ ...pair, grants: at === 0 }))
    const word = REFUSABLE[action]
    return word === undefined ? ways : [{ word, operation: '', grants: false }]
  }
  const { word } = api
  const known = pairs.filter((pair) => pair.word === word)
  const operation = api.operation ?? known[0]?.operation ?? ''
  return [{ word, operation, grants: known.some((pair) => pair.operation === operation) }]
}
