/** `vaultAcl` against a literal reading of specs/kv2.md §3, with parameters, limits and expirations. */

import {
  type VaultAclRequest,
  type VaultDocument,
  type VaultOperation,
  type VaultPathRule,
  type VaultPolicy,
  vaultAcl,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assertOften } from '../runs.ts'
import { vaultPattern } from './arbitrary-foreign.ts'
import { speakerOf } from './naive-foreign.ts'

const OPERATIONS: readonly VaultOperation[] = [
  'create',
  'read',
  'update',
  'patch',
  'delete',
  'list',
  'scan',
]
const EXPIRATIONS = ['2026-01-01T00:00:00Z', '2026-06-01T12:00:00+02:00']
const TIMES = [
  undefined,
  '2025-12-31T23:59:59Z',
  '2026-01-01T00:00:00Z',
  '2026-06-01T09:59:59Z',
  '2026-06-01T10:00:00Z',
]

const values = fc.subarray(['x', 'x*', '*y', '*', 1, null])
const names = fc.constantFrom('a', 'B', '*')
const parameters = fc.dictionary(names, values, { maxKeys: 2 })
const rule: fc.Arbitrary<VaultPathRule> = fc.record(
  {
    capabilities: fc.oneof(
      { arbitrary: fc.subarray([...OPERATIONS], { minLength: 4 }), weight: 5 },
      { arbitrary: fc.constant(['read', 'deny'] as const), weight: 1 },
    ),
    allowed_parameters: parameters,
    denied_parameters: parameters,
    required_parameters: fc.subarray(['a', 'B']),
    max_wrapping_ttl: fc.constantFrom(0, 0, '1m'),
    min_wrapping_ttl: fc.constantFrom(0, 0, 30),
    pagination_limit: fc.constantFrom(0, 5),
    expiration: fc.constantFrom(...EXPIRATIONS),
  },
  { requiredKeys: ['capabilities'] },
)
const policies: fc.Arbitrary<VaultPolicy[]> = fc
  .array(fc.dictionary(vaultPattern, rule, { minKeys: 1, maxKeys: 4 }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((list) => list.map((path, index) => ({ name: `p${index}`, path })))

const request = fc.record(
  {
    parameters: fc.dictionary(
      fc.constantFrom('a', 'A', 'b', 'limit'),
      fc.constantFrom<unknown>('x', 'xy', 'zy', '*', 1, 5, 6, null),
    ),
    wrapTtlSeconds: fc.constantFrom(10, 30, 60, 61),
  },
  { requiredKeys: [] },
)
const question = fc.record({
  path: fc
    .tuple(
      fc.constantFrom('data', 'metadata', 'metadata', 'config'),
      fc.array(fc.constantFrom('a', 'b', 'ab', 'b?', '*', '+a'), { maxLength: 2 }),
      fc.constantFrom('', '', '/'),
    )
    .map(([word, segments, tail]) => `${['secret', word, ...segments].join('/')}${tail}`),
  operation: fc.constantFrom(...OPERATIONS),
  request,
  time: fc.constantFrom(...TIMES),
})

/** Is it allowed, whatever of several times it is? */
function naive(
  list: readonly VaultPolicy[],
  path: string,
  operation: VaultOperation,
  asked: VaultAclRequest,
  times: readonly number[],
): boolean {
  const listing = operation === 'list' || operation === 'scan'
  if (path.endsWith('/') && !listing) return false
  const spelled = listing && !path.endsWith('/') ? `${path}/` : path
  return times.every((time) => {
    const kept = list.map((policy) => ({
      ...policy,
      path: Object.fromEntries(
        Object.entries(policy.path).filter(([, { expiration }]) => {
          return expiration === undefined || time < Date.parse(expiration)
        }),
      ),
    }))
    const document = { id: 'd', policies: kept } as unknown as VaultDocument
    const pattern = speakerOf([document], spelled, listing)?.rules[0]?.pattern
    const speaking = kept.flatMap((policy) =>
      Object.entries(policy.path).flatMap(([text, one]) =>
        pattern !== undefined && text.replace(/^\//, '') === pattern ? [one] : [],
      ),
    )
    const granted = speaking.flatMap(({ capabilities = [] }) => capabilities)
    if (granted.includes('deny') || !granted.includes(operation)) return false
    return keeps(speaking, operation, asked)
  })
}

function keeps(
  rules: readonly VaultPathRule[],
  operation: VaultOperation,
  { parameters: given, wrapTtlSeconds: ttl = 0 }: VaultAclRequest,
): boolean {
  const least = (limits: readonly unknown[]): number => {
    const seconds = limits
      .map((limit) => (limit === '1m' ? 60 : Number(limit ?? 0)))
      .filter((one) => one > 0)
    return seconds.length === 0 ? 0 : Math.min(...seconds)
  }
  const min = least(rules.map((one) => one.min_wrapping_ttl))
  const max = least(rules.map((one) => one.max_wrapping_ttl))
  if (min + max > 0 && (ttl === 0 || ttl < min || (max > 0 && ttl > max))) return false
  if (operation === 'delete') return true
  if (operation === 'list' || operation === 'scan') {
    const pages = least(rules.map((one) => one.pagination_limit))
    const limit = Number(given?.['limit'] ?? 0)
    return pages === 0 || (Number.isInteger(limit) && limit > 0 && limit <= pages)
  }
  const union = (
    maps: readonly VaultPathRule['allowed_parameters'][],
  ): Map<string, unknown[][]> => {
    const merged = new Map<string, unknown[][]>()
    for (const map of maps) {
      // Within one rule, a name in another case is the same name, and the later one counts.
      const own = new Map(
        Object.entries(map ?? {}).map(([name, list]) => [name.toLowerCase(), list]),
      )
      for (const [name, list] of own) merged.set(name, [...(merged.get(name) ?? []), [...list]])
    }
    return merged
  }
  const allowed = union(rules.map((one) => one.allowed_parameters))
  const denied = union(rules.map((one) => one.denied_parameters))
  const required = rules.flatMap((one) => one.required_parameters ?? [])
  if (allowed.size + denied.size + required.length === 0) return true
  if (given === undefined) return false
  const entries = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const)
  const matches = (lists: unknown[][] | undefined, value: unknown): boolean =>
    lists !== undefined &&
    (lists.some((list) => list.length === 0) || lists.flat().some((one) => glob(one, value)))
  return (
    required.every((name) => entries.some(([own]) => own === name.toLowerCase())) &&
    entries.every(([name, value]) => {
      if (denied.has('*') || matches(denied.get(name), value)) return false
      return (
        allowed.size === 0 ||
        (allowed.has(name) ? matches(allowed.get(name), value) : allowed.has('*'))
      )
    })
  )
}

function glob(wanted: unknown, value: unknown): boolean {
  if (wanted === 'x*') return typeof value === 'string' && value.startsWith('x')
  if (wanted === '*y') return typeof value === 'string' && value.endsWith('y')
  return wanted === value
}

test('vaultAcl answers as a literal reading of the rules does', () => {
  const seen = { true: 0, false: 0 }
  assertOften(
    fc.property(policies, fc.array(question, { minLength: 20, maxLength: 30 }), (list, asked) => {
      const acl = vaultAcl(list)
      for (const { path, operation, request: known, time } of asked) {
        const now = time === undefined ? {} : { time: Date.parse(time) }
        const times =
          time === undefined
            ? TIMES.flatMap((one) => (one === undefined ? [] : Date.parse(one)))
            : [Date.parse(time)]
        const expected = naive(list, path, operation, known, times)
        seen[`${expected}`]++
        const got = acl.allows(path, operation, { ...known, ...now })
        expect([path, operation, known, time, got]).toEqual([
          path,
          operation,
          known,
          time,
          expected,
        ])
      }
    }),
    500,
    () => seen.true,
    200,
  )
})
