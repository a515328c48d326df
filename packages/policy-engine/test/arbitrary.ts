/** Random policies and requests over a small alphabet, so that rules and resources meet often. */

import type {
  Action,
  Context,
  PolicyConditions,
  PolicyDocument,
  PolicyRule,
} from '@secreg/policy-engine'
import fc from 'fast-check'

export const SYSTEM_ZONE = 'Etc/GMT-2'

const segment = fc.constantFrom('a', 'b', 'ab', 'abb', 'ba', 'aab', 'c1', 'c2')
const wildSegment = fc.constantFrom(
  '*',
  '*',
  'a*',
  '*b',
  'a*b',
  '*a*',
  'a*b*',
  '*b*b',
  '*a*b*',
  'c*',
)
const literalOrWild = fc.oneof(
  { arbitrary: segment, weight: 3 },
  { arbitrary: wildSegment, weight: 2 },
)

export const pathPattern: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.constant('/'), weight: 1 },
  {
    arbitrary: fc
      .tuple(fc.array(literalOrWild, { maxLength: 3 }), fc.boolean())
      .filter(([segments, rest]) => rest || segments.length > 0)
      .map(([segments, rest]) => `/${[...segments, ...(rest ? ['**'] : [])].join('/')}`),
    weight: 12,
  },
)

export const path: fc.Arbitrary<string> = fc
  .array(segment, { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`)

const scheme = fc.constantFrom('yaml', 'yaml', 'openbao+kv2', 'hashicorp+kv2')

const secretPattern: fc.Arbitrary<string> = fc
  .tuple(scheme, fc.array(literalOrWild, { maxLength: 3 }), fc.boolean())
  .filter(([, segments, rest]) => rest || segments.length > 1)
  .map(([name, segments, rest]) => `${name}://${[...segments, ...(rest ? ['**'] : [])].join('/')}`)

/** Of paths, and of secrets that are kept elsewhere. */
export const pattern: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: pathPattern, weight: 3 },
  { arbitrary: secretPattern, weight: 1 },
)

export const secret: fc.Arbitrary<string> = fc
  .tuple(scheme, fc.array(segment, { minLength: 2, maxLength: 4 }))
  .map(([name, segments]) => `${name}://${segments.join('/')}`)

/** One of both. */
export const place: fc.Arbitrary<string> = fc.oneof(path, secret)

/** What listings ask about: a folder of paths, or a mount, a folder or all of a scheme. */
export const prefix: fc.Arbitrary<string> = fc.oneof(
  path,
  fc
    .tuple(scheme, fc.array(segment, { maxLength: 2 }))
    .map(([name, segments]) => `${name}://${segments.join('/')}`),
)

/** What is at a path below a prefix. */
export const below = (above: string, tail: string): string =>
  above.endsWith('/') ? `${above.slice(0, -1)}${tail}` : `${above}${tail}`

const resource: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: path, weight: 12 },
  { arbitrary: secret, weight: 6 },
  {
    arbitrary: fc.constantFrom(
      '',
      'a',
      'a/b',
      '//',
      '/a//b',
      '/a/',
      '/a/../b',
      '/./a',
      '/a/.b',
      '/a/..b',
      'yaml://a',
      'yaml://a/../b',
      'yaml:/a/b',
      'YAML://a/b',
      'secreg://a/b',
    ),
    weight: 1,
  },
)

const PRINCIPALS = ['user:alice', 'user:bob', 'role:admin', 'role:user', 'group:ops', 'uid:33']
export const ACTIONS_USED: readonly Action[] = ['read', 'list', 'export']
export const action: fc.Arbitrary<Action> = fc.constantFrom(...ACTIONS_USED)
export const principals: fc.Arbitrary<string[]> = fc.subarray([...PRINCIPALS, 'user:nobody'])

const clockTime = fc.constantFrom('00:00', '02:00', '09:00', '12:30', '17:00', '23:59')
const window = fc.record(
  { from: clockTime, to: clockTime, zone: fc.constantFrom('Etc/GMT-2', 'Etc/GMT+5', 'Etc/UTC') },
  { requiredKeys: ['from', 'to', 'zone'] },
)

const someOf = <T>(...items: T[]): fc.Arbitrary<T[]> => fc.subarray(items, { minLength: 1 })

const conditions: fc.Arbitrary<PolicyConditions> = fc
  .record(
    {
      mfa: fc.boolean(),
      door: someOf('http', 'libvirt'),
      proof: someOf('credential' as const, 'kernel' as const),
      purpose: someOf('execute', 'rotate'),
      metadata: fc.dictionary(fc.constantFrom('owner', 'env'), fc.constantFrom('alice', 'prod'), {
        minKeys: 1,
      }),
      ip: someOf('10.0.0.0/8', '10.9.0.0/16', '192.168.1.1', '0.0.0.0/1'),
      time: window,
    },
    { requiredKeys: [] },
  )
  .filter((value) => Object.keys(value).length > 0)

const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 })

const obligations = fc.constantFrom(
  undefined,
  undefined,
  { ttlSeconds: 300 },
  { ttlSeconds: 60, maxUses: 3 },
  { maxUses: 1 },
)

export const rule: fc.Arbitrary<Omit<PolicyRule, 'id'>> = fc
  .record({
    effect: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
    principals: fc.oneof(someOf(...PRINCIPALS), fc.constant(['*'])),
    actions: someOf(...ACTIONS_USED),
    resources: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    when: sometimes(conditions),
    unless: sometimes(conditions),
    obligations,
  })
  .map(({ when, unless, obligations: duties, ...rest }) => ({
    ...rest,
    ...(when === undefined ? {} : { when }),
    ...(unless === undefined ? {} : { unless }),
    ...(duties === undefined || rest.effect === 'deny' ? {} : { obligations: duties }),
  }))

/** Give rules ids and put them into two documents. */
export function documentsOf(rules: readonly Omit<PolicyRule, 'id'>[]): PolicyDocument[] {
  const named = rules.map((value, index) => ({ id: `r${index}`, ...value }))
  const half = Math.ceil(named.length / 2)
  return [
    { id: 'first', rules: named.slice(0, half) },
    { id: 'second', rules: named.slice(half) },
  ]
}

export const rules: fc.Arbitrary<Omit<PolicyRule, 'id'>[]> = fc.array(rule, { maxLength: 14 })

export const context: fc.Arbitrary<Context> = fc.record(
  {
    ip: fc.constantFrom('10.1.2.3', '10.9.1.1', '192.168.1.1', '200.0.0.1'),
    mfa: fc.boolean(),
    door: fc.constantFrom('http', 'libvirt', 'registry'),
    proof: fc.constantFrom('credential' as const, 'kernel' as const, 'asserted' as const),
    purpose: fc.constantFrom('execute', 'rotate', 'other'),
    metadata: fc.dictionary(fc.constantFrom('owner', 'env'), fc.constantFrom('alice', 'prod', 'x')),
  },
  { requiredKeys: [] },
)

export const time: fc.Arbitrary<number | undefined> = fc.option(
  fc.integer({ min: 0, max: 2_000_000_000_000 }),
  { nil: undefined, freq: 4 },
)

export interface Question {
  readonly principals: string[]
  readonly action: Action
  readonly resource: string
  readonly time: number | undefined
  readonly context: Context
}

export const question: fc.Arbitrary<Question> = fc.record({
  principals,
  action,
  resource,
  time,
  context,
})
