/** Reading of Vault policies in their JSON form (specs/kv2.md §3). Unknown members and capabilities are errors. */

import { quote, type Reader } from '../../reader.ts'
import { parseVaultPattern, type VaultPattern } from './pattern.ts'
import { DENIED, type Parameters, type Permissions, withFreedom } from './permissions.ts'
import { parseTemplate, type Template } from './template.ts'
import type { VaultCapability } from './words.ts'

/** One path of one policy that was read. */
export interface VaultRule {
  /** As written, without a leading `/`. */
  readonly text: string
  /** The pattern, or the template that makes it for a subject. */
  readonly pattern: VaultPattern | Template
  readonly permissions: Permissions
  /** Milliseconds since the epoch from which on it does not count; infinite for ever. */
  readonly expiresAtMs: number
}

const POLICY: ReadonlySet<string> = new Set(['name', 'path'])
/** Lower case only, so that no two names differ by case or by what is trimmed (CVE-2025-5999, CVE-2025-64761). */
const POLICY_NAME = /^[a-z0-9][a-z0-9._@/-]{0,127}$/
/** Policies that Vault makes itself and nobody may write. */
const RESERVED_NAMES: readonly string[] = ['root', 'response-wrapping']

/** Read one policy. @throws PolicyError */
export function readVaultPolicy(at: Reader, names: Set<string>): readonly VaultRule[] {
  at.object(POLICY)
  const nameAt = at.member('name')
  const name = nameAt.text('ERR_POLICY_ID')
  if (!POLICY_NAME.test(name) || RESERVED_NAMES.includes(name)) {
    throw nameAt.error(
      'ERR_POLICY_ID',
      `${quote(name)} is not a name: lower case, and not reserved`,
    )
  }
  if (names.has(name)) throw nameAt.error('ERR_POLICY_ID', `name ${quote(name)} is used twice`)
  names.add(name)
  return at
    .member('path')
    .entries('ERR_POLICY_SHAPE')
    .map(([text, rule]) => readRule(text, rule))
}

const RULE: ReadonlySet<string> = new Set([
  'capabilities',
  'policy',
  'allowed_parameters',
  'denied_parameters',
  'required_parameters',
  'min_wrapping_ttl',
  'max_wrapping_ttl',
  'mfa_methods',
  'pagination_limit',
  'expiration',
  'list_scan_response_keys_filter_path',
  'comment',
])

function readRule(text: string, at: Reader): VaultRule {
  at.object(RULE)
  at.optional('comment')?.text()
  return {
    text: text.startsWith('/') ? text.slice(1) : text,
    pattern: readPattern(text, at),
    permissions: readPermissions(at),
    expiresAtMs: readExpiration(at.optional('expiration')),
  }
}

function readPattern(text: string, at: Reader): VaultPattern | Template {
  const template = parseTemplate(text)
  const pattern = parseVaultPattern(text)
  const mistake = [template, pattern].find((parsed) => typeof parsed === 'string')
  if (typeof mistake === 'string') {
    throw at.error('ERR_POLICY_PATTERN', `pattern ${quote(text)} ${mistake}`)
  }
  return (template ?? pattern) as VaultPattern | Template
}

const CAPABILITIES: readonly VaultCapability[] = [
  'create',
  'read',
  'update',
  'patch',
  'delete',
  'list',
  'scan',
  'sudo',
  'deny',
]

/** The words of old policies and what they are now. */
const OLD_WORDS: Readonly<Record<string, readonly VaultCapability[]>> = Object.freeze({
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
})

function readPermissions(at: Reader): Permissions {
  const capabilities = new Set<VaultCapability>(readOldWord(at.optional('policy')))
  for (const item of at.optional('capabilities')?.items({ min: 0 }, 'ERR_POLICY_ACTION') ?? []) {
    capabilities.add(readCapability(item))
  }
  const permissions = withFreedom({
    capabilities,
    allowedParameters: readParameters(at.optional('allowed_parameters')),
    deniedParameters: readParameters(at.optional('denied_parameters')),
    requiredParameters: new Set(
      readTexts(at.optional('required_parameters'), (text) => text.toLowerCase()),
    ),
    minWrappingTtl: readDuration(at.optional('min_wrapping_ttl')),
    maxWrappingTtl: readDuration(at.optional('max_wrapping_ttl')),
    mfa: readTexts(at.optional('mfa_methods'), (text) => text).length > 0,
    paginationLimit: readCount(at.optional('pagination_limit')),
    keysFilters: readFilter(at.optional('list_scan_response_keys_filter_path')),
  })
  const { minWrappingTtl: min, maxWrappingTtl: max } = permissions
  if (max > 0 && min > max) {
    throw at.error('ERR_POLICY_SHAPE', 'max_wrapping_ttl is less than min_wrapping_ttl')
  }
  return capabilities.has('deny') ? DENIED : permissions
}

function readOldWord(at: Reader | undefined): readonly VaultCapability[] {
  if (at === undefined) return []
  const word = at.text('ERR_POLICY_ACTION')
  const capabilities = Object.hasOwn(OLD_WORDS, word) ? OLD_WORDS[word] : undefined
  if (capabilities !== undefined) return capabilities
  throw at.error('ERR_POLICY_ACTION', `${quote(word)} is not one of deny, read, write, sudo`)
}

function readCapability(at: Reader): VaultCapability {
  const text = at.text('ERR_POLICY_ACTION')
  const capability = CAPABILITIES.find((known) => known === text)
  if (capability !== undefined) return capability
  throw at.error(
    'ERR_POLICY_ACTION',
    `${quote(text)} is not a capability: ${CAPABILITIES.join(', ')}`,
  )
}

function readParameters(at: Reader | undefined): Parameters {
  const parameters = new Map<string, readonly unknown[]>()
  for (const [name, values] of at?.entries('ERR_POLICY_SHAPE') ?? []) {
    parameters.set(name.toLowerCase(), values.items({ min: 0 }).map(copyOf))
  }
  return parameters
}

/** Documents are not kept, nor is what is in them. */
function copyOf({ value }: Reader): unknown {
  return typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value
}

function readTexts(at: Reader | undefined, map: (text: string) => string): string[] {
  return (at?.items({ min: 0 }) ?? []).map((item) => map(item.text()))
}

function readFilter(at: Reader | undefined): readonly string[] {
  return at === undefined ? [] : [at.text()]
}

function readCount(at: Reader | undefined): number {
  if (at === undefined) return 0
  const { value } = at
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw at.error('ERR_POLICY_SHAPE', 'expected a whole number from 0')
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Whole seconds, as a number, digits, or a duration such as `1h30m`. */
function readDuration(at: Reader | undefined): number {
  if (at === undefined) return 0
  if (typeof at.value !== 'string') return readCount(at)
  const text = at.value
  if (/^\d{1,10}$/.test(text)) return Number(text)
  if (!/^(?:\d{1,10}[smhd])+$/.test(text)) {
    throw at.error('ERR_POLICY_SHAPE', `${quote(text)} is not a duration such as 90s or 1h30m`)
  }
  let seconds = 0
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+)([smhd])/g)) {
    seconds += Number(count) * (UNIT_SECONDS[unit] ?? 0)
  }
  return seconds
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

function readExpiration(at: Reader | undefined): number {
  if (at === undefined) return Number.POSITIVE_INFINITY
  const text = at.text()
  const [, year, month, day] = RFC_3339.exec(text) ?? []
  const time = year === undefined ? Number.NaN : Date.parse(text)
  const noon = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), 12))
  // Date would take the 30th of February for a day of March.
  if (!Number.isFinite(time) || noon.getUTCDate() !== Number(day)) {
    throw at.error('ERR_POLICY_SHAPE', `${quote(text)} is not a time as in RFC 3339`)
  }
  return time
}
