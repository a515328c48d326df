/** Conditions of SecReg permissions (specs/secreg.md §3, §7.2 rows 26 and 27): what cannot be evaluated fails. */

import {
  type ConditionScope,
  type Facts,
  readClock,
  TRUE,
  type Truth,
  truthOf,
  UNKNOWN,
} from '../../condition.ts'
import { type Address, parseAddress } from '../../ip.ts'
import { quote, type Reader } from '../../reader.ts'

/** A condition that was read. */
export interface ReadAclCondition {
  readonly name: 'time' | 'ip' | 'mfa' | 'tpm'
  /** For people. */
  readonly wants: string
  evaluate(facts: Facts): Truth
}

type ReadCondition = (at: Reader, scope: ConditionScope) => ReadAclCondition

const READERS: Readonly<Record<string, { members: readonly string[]; read: ReadCondition }>> =
  Object.freeze({
    time_range: { members: ['start_time', 'end_time', 'zone'], read: readTimeRange },
    ip_range: { members: ['min_ip', 'max_ip'], read: readIpRange },
    require_mfa: { members: ['require_mfa'], read: readMfa },
    require_tpm: { members: ['require_tpm'], read: readTpm },
  })

/** Read one condition. */
export function readAclCondition(bare: Reader, scope: ConditionScope): ReadAclCondition {
  const typeAt = bare.object(undefined, 'ERR_POLICY_CONDITION').member('type')
  const type = typeAt.text('ERR_POLICY_CONDITION')
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined
  if (reader === undefined) {
    const known = Object.keys(READERS).join(', ')
    throw typeAt.error('ERR_POLICY_CONDITION', `${quote(type)} is not one of ${known}`)
  }
  const members = new Set(['type', ...reader.members])
  return reader.read(bare.object(members, 'ERR_POLICY_CONDITION'), scope)
}

const DAY_SECONDS = 86_400

function readTimeRange(at: Reader, scope: ConditionScope): ReadAclCondition {
  const start = readSecond(at.member('start_time'))
  const end = readSecond(at.member('end_time'))
  const zoneAt = at.optional('zone')
  const clock = readClock(zoneAt ?? at, zoneAt?.text('ERR_POLICY_CONDITION'), scope)
  return {
    name: 'time',
    wants: `${start} to ${end} seconds from midnight, ${clock.zone}`,
    evaluate: ({ timeMs }) => {
      const second = timeMs === undefined ? undefined : clock.secondOfDay(timeMs)
      if (second === undefined) return UNKNOWN
      if (start <= end) return truthOf(start <= second && second < end)
      return truthOf(start <= second || second < end)
    },
  }
}

function readSecond(at: Reader): number {
  const { value } = at
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > DAY_SECONDS) {
    throw at.error('ERR_POLICY_CONDITION', `expected whole seconds from 0 to ${DAY_SECONDS}`)
  }
  return value
}

function readIpRange(at: Reader): ReadAclCondition {
  const min = readAddress(at.member('min_ip'))
  const max = readAddress(at.member('max_ip'))
  if (min.address.length !== max.address.length) {
    throw at.error('ERR_POLICY_CONDITION', 'both addresses must be of one family')
  }
  if (compare(min.address, max.address) > 0) {
    throw at.error('ERR_POLICY_CONDITION', 'the first address is above the last one')
  }
  return {
    name: 'ip',
    wants: `${min.text} to ${max.text}`,
    evaluate: ({ context: { ip } }) => {
      const address = typeof ip === 'string' ? parseAddress(ip) : undefined
      if (address === undefined) return UNKNOWN
      return truthOf(
        address.length === min.address.length &&
          compare(min.address, address) <= 0 &&
          compare(address, max.address) <= 0,
      )
    },
  }
}

function readAddress(at: Reader): { readonly text: string; readonly address: Address } {
  const text = at.text('ERR_POLICY_CONDITION')
  const address = parseAddress(text)
  if (address === undefined) {
    throw at.error('ERR_POLICY_CONDITION', `${quote(text)} is not an IPv4 or IPv6 address`)
  }
  return { text, address }
}

/** Order of two addresses of one family. */
function compare(a: Address, b: Address): number {
  for (let word = 0; word < a.length; word++) {
    const difference = ((a[word] ?? 0) >>> 0) - ((b[word] ?? 0) >>> 0)
    if (difference !== 0) return difference
  }
  return 0
}

function readMfa(at: Reader): ReadAclCondition {
  const required = readRequired(at.optional('require_mfa'))
  return {
    name: 'mfa',
    wants: String(required),
    evaluate: ({ context: { mfa } }) => {
      if (!required) return TRUE
      return typeof mfa === 'boolean' ? truthOf(mfa) : UNKNOWN
    },
  }
}

function readTpm(at: Reader): ReadAclCondition {
  const required = readRequired(at.optional('require_tpm'))
  return { name: 'tpm', wants: String(required), evaluate: () => (required ? UNKNOWN : TRUE) }
}

function readRequired(at: Reader | undefined): boolean {
  if (at === undefined) return true
  if (typeof at.value === 'boolean') return at.value
  throw at.error('ERR_POLICY_CONDITION', 'expected true or false')
}
