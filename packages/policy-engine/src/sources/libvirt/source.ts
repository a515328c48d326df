/** Documents of source `libvirt`: permissions on secrets by UUID and usage (specs/libvirt.md §10). They never deny. */

import type { Context } from '../../document.ts'
import { type Glob, matchGlob, parseGlob } from '../../glob.ts'
import { quote, type Reader } from '../../reader.ts'
import type { ForeignHead } from '../head.ts'
import { isLibvirtPermission, LIBVIRT_ACTIONS, type LibvirtPermission } from './permissions.ts'

/** One kind of usage. */
export type LibvirtUsage = 'none' | 'volume' | 'ceph' | 'iscsi' | 'tls' | 'vtpm'

/** Kinds of usage that a secret of libvirt can have. */
export const LIBVIRT_USAGES: readonly LibvirtUsage[] = Object.freeze([
  'none',
  'volume',
  'ceph',
  'iscsi',
  'tls',
  'vtpm',
])

/** A rule of a document of source `libvirt`. */
export interface LibvirtRule {
  readonly permissions: readonly LibvirtPermission[]
  /** UUIDs in lower case, or `*`; needed if a permission of `secret` is among them. */
  readonly secrets?: readonly string[]
  /** Only secrets of this usage. The door says a secret's usage in the context; unknown: the rule does not hold. */
  readonly usage?: {
    readonly type: LibvirtUsage
    /** `*` is any characters. Default: any. */
    readonly id?: string
  }
}

/** A rule that was read. */
export interface ReadLibvirtRule {
  readonly name: string
  readonly permissions: ReadonlySet<LibvirtPermission>
  /** `undefined`: all. */
  readonly secrets: ReadonlySet<string> | undefined
  readonly usage: { readonly type: LibvirtUsage; readonly id: Glob | string } | undefined
}

/** A document that was read. */
export interface LibvirtSource extends ForeignHead {
  readonly kind: 'libvirt'
  readonly rules: readonly ReadLibvirtRule[]
}

/** Members of such a document beside those that all have. */
export const LIBVIRT_MEMBERS: readonly string[] = ['rules']

/** UUID as libvirt formats it. */
export const UUID: RegExp = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Read what is libvirt's in a document. */
export function readLibvirt(at: Reader, head: ForeignHead): LibvirtSource {
  const rules = at.member('rules').items({ min: 0 })
  return {
    ...head,
    kind: 'libvirt',
    rules: rules.map((rule, index) => readRule(rule, `${head.id}/${index}`)),
  }
}

const RULE_MEMBERS: ReadonlySet<string> = new Set(['permissions', 'secrets', 'usage'])

function readRule(at: Reader, name: string): ReadLibvirtRule {
  at.object(RULE_MEMBERS)
  const permissions = new Set(at.member('permissions').items({ min: 1 }).map(readPermission))
  const secrets = at.optional('secrets')
  const usage = at.optional('usage')
  if (secrets === undefined && [...permissions].some((name) => name.startsWith('secret:'))) {
    throw at.error('ERR_POLICY_SHAPE', 'member "secrets" is missing: UUIDs, or "*"')
  }
  // polkit knows no usage of a connection, so a rule that asks for one would never hold for it.
  if (usage !== undefined && [...permissions].some((name) => name.startsWith('connect:'))) {
    throw usage.error('ERR_POLICY_SHAPE', 'a permission of "connect" has no usage')
  }
  return {
    name,
    permissions,
    secrets: secrets === undefined ? undefined : readSecrets(secrets),
    usage: usage === undefined ? undefined : readUsage(usage),
  }
}

function readPermission(at: Reader): LibvirtPermission {
  const text = at.text('ERR_POLICY_ACTION')
  if (isLibvirtPermission(text)) return text
  const known = Object.keys(LIBVIRT_ACTIONS).join(', ')
  throw at.error('ERR_POLICY_ACTION', `${quote(text)} is not a permission: ${known}`)
}

function readSecrets(at: Reader): ReadonlySet<string> | undefined {
  const secrets = new Set<string>()
  for (const item of at.items({ min: 1 }, 'ERR_POLICY_PATTERN')) {
    const text = item.text('ERR_POLICY_PATTERN')
    if (text !== '*' && !UUID.test(text)) {
      throw item.error(
        'ERR_POLICY_PATTERN',
        `${quote(text)} is neither a UUID in lower case nor "*"`,
      )
    }
    secrets.add(text)
  }
  return secrets.has('*') ? undefined : secrets
}

const USAGE_MEMBERS: ReadonlySet<string> = new Set(['type', 'id'])

function readUsage(at: Reader): ReadLibvirtRule['usage'] {
  at.object(USAGE_MEMBERS)
  const typeAt = at.member('type')
  const type = LIBVIRT_USAGES.find((usage) => usage === typeAt.value)
  if (type === undefined) {
    throw typeAt.error('ERR_POLICY_SHAPE', `expected one of ${LIBVIRT_USAGES.join(', ')}`)
  }
  const id = at.optional('id')?.text() ?? '*'
  return { type, id: id.includes('*') ? parseGlob(id) : id }
}

/** Tell whether a rule speaks about secrets of this usage; `undefined` if the usage is not known. */
export function usageHolds(
  { usage }: ReadLibvirtRule,
  actual: Context['usage'],
): boolean | undefined {
  if (usage === undefined) return true
  if (typeof actual?.type !== 'string') return undefined
  if (actual.type !== usage.type) return false
  const { id = '' } = actual
  return typeof usage.id === 'string' ? usage.id === id : matchGlob(usage.id, id)
}
