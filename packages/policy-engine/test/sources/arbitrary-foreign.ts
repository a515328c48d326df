/** Random foreign documents and requests over a small alphabet, so that rules and resources meet often. */

import {
  ACTIONS,
  type Acl,
  type AclCondition,
  type ApiRequest,
  type Context,
  type ForeignDocument,
  type VaultDocument,
  type VaultPathRule,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { context as nativeContext, principals, time } from '../arbitrary.ts'

/** Names of segments; `null` of those that are not the one spelling of a name. */
export const NAMES: Readonly<Record<string, string | null>> = {
  a: 'a',
  b: 'b',
  ab: 'ab',
  'a b': 'a b',
  'a%2Fb': 'a/b',
  'b%3F': 'b?',
  '%2E%2E': '..',
  '%61': null,
  'a%2fb': null,
  '00000000-0000-4000-8000-000000000001': '00000000-0000-4000-8000-000000000001',
  kv: 'kv',
  secret: 'secret',
  setec: 'setec',
  libvirt: 'libvirt',
}
const UUID = '00000000-0000-4000-8000-000000000001'

const segment = fc.constantFrom(
  'a',
  'b',
  'ab',
  'a',
  'a',
  'b',
  'b',
  'ab',
  'a b',
  'a%2Fb',
  'b%3F',
  '%61',
  'a%2fb',
  '%2E%2E',
  UUID,
)
const MOUNTS = [
  '',
  '/a',
  '/a',
  '/kv',
  '/kv/secret',
  '/kv/secret',
  '/kv/secret',
  '/setec',
  '/libvirt',
]

/** Paths at, below and beside the mounts. */
export const path: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...MOUNTS),
    fc.oneof(
      { arbitrary: fc.array(segment, { maxLength: 3, size: 'max' }), weight: 2 },
      { arbitrary: segment.map((one) => [one]), weight: 1 },
    ),
    fc.oneof(
      { arbitrary: fc.constant(''), weight: 20 },
      { arbitrary: fc.constantFrom('/', '//a', '/..'), weight: 1 },
    ),
  )
  .map(([mount, segments, tail]) => `${[mount, ...segments].join('/') || '/'}${tail}`)

const PRINCIPALS = ['user:alice', 'user:bob', 'role:admin', 'role:user', 'group:ops', 'uid:33']
const attached = fc.oneof(
  { arbitrary: fc.constant(['*']), weight: 2 },
  { arbitrary: fc.subarray(PRINCIPALS, { minLength: 1 }), weight: 1 },
)

const WORDS = [
  'data',
  'metadata',
  'detailed-metadata',
  'delete',
  'undelete',
  'destroy',
  'subkeys',
  'config',
] as const
const OPERATIONS = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan'] as const

const vaultSegment = fc.constantFrom('a', 'b', 'ab', '+', 'a b', 'b?', '..', '+a', '*')
/** Patterns of Vault, sometimes with a `/` in front or at the end, or of a word that is none. */
export const vaultPattern: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('secret', 'secret', 'secret', '+', '/secret', 'other'),
    fc.constantFrom(...WORDS, 'data', 'data', 'metadata', 'metadata', '+'),
    fc.array(vaultSegment, { maxLength: 2 }),
    fc.constantFrom('', '/', '*', '*', '/*', '/*', '/a*', '/+'),
  )
  .map(([mount, word, segments, tail]) => `${[mount, word, ...segments].join('/')}${tail}`)
  .filter((text) => !text.includes('+*'))

const capabilities = fc.oneof(
  { arbitrary: fc.subarray([...OPERATIONS, 'sudo' as const], { minLength: 3 }), weight: 3 },
  { arbitrary: fc.constantFrom([], ['read' as const], ['list' as const]), weight: 1 },
  { arbitrary: fc.constant(['read' as const, 'deny' as const]), weight: 2 },
)
const vaultRule: fc.Arbitrary<VaultPathRule> = fc
  .tuple(capabilities, fc.constantFrom(false, false, false, true))
  .map(([list, mfa]) => ({ capabilities: list, ...(mfa ? { mfa_methods: ['totp'] } : {}) }))

export const vault: fc.Arbitrary<Omit<VaultDocument, 'id'>> = fc.record({
  source: fc.constant('vault'),
  principals: attached,
  mount: fc.constantFrom('/kv/secret', '/kv/secret', '/a'),
  apiMount: fc.constant('secret'),
  policies: fc
    .array(fc.dictionary(vaultPattern, vaultRule, { maxKeys: 5 }), { maxLength: 3 })
    .map((list) => list.map((rules, index) => ({ name: `p${index}`, path: rules }))),
})

const glob = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', ' ', '?'), maxLength: 4 })
const setec = fc.record({
  source: fc.constant('setec' as const),
  principals: attached,
  mount: fc.constantFrom('/setec', '/setec', '/a'),
  rules: fc.array(
    fc.record(
      {
        action: fc.subarray(['get', 'info', 'put', 'create-version', 'activate', 'delete', 'fly']),
        secret: fc.array(glob, { maxLength: 3 }),
        note: fc.constant('ignored'),
      },
      { requiredKeys: [] },
    ),
    { maxLength: 4 },
  ),
})

const second = fc.constantFrom(0, 3600, 43_200, 61_200, 86_399, 86_400)
const condition: fc.Arbitrary<AclCondition> = fc.oneof(
  fc.record(
    {
      type: fc.constant('time_range' as const),
      start_time: second,
      end_time: second,
      zone: fc.constantFrom('Etc/GMT+5', 'Etc/UTC'),
    },
    { requiredKeys: ['type', 'start_time', 'end_time'] },
  ),
  fc.constantFrom<AclCondition>(
    { type: 'ip_range', min_ip: '10.0.0.0', max_ip: '10.1.255.255' },
    { type: 'ip_range', min_ip: '192.168.1.1', max_ip: '192.168.1.1' },
    { type: 'require_mfa' },
    { type: 'require_mfa', require_mfa: false },
    { type: 'require_tpm', require_tpm: true },
    { type: 'require_tpm', require_tpm: false },
  ),
)
const acl: fc.Arbitrary<Acl> = fc.record(
  {
    owner: fc.constantFrom('alice', 'bob', 'role:admin'),
    owner_group: fc.constant('ops'),
    permissions: fc.array(
      fc.record(
        {
          principal_type: fc.constantFrom('user' as const, 'group' as const, 'role' as const),
          principal_name: fc.constantFrom('alice', 'bob', 'ops', 'admin', 'user'),
          actions: fc.subarray(['read', 'write', 'delete', 'grant', 'admin', 'decrypt'] as const, {
            minLength: 1,
          }),
          conditions: fc.array(condition, { maxLength: 2 }),
        },
        { requiredKeys: ['principal_type', 'principal_name', 'actions'] },
      ),
      { maxLength: 4 },
    ),
    inheritance: fc.record(
      {
        mode: fc.constantFrom('none' as const, 'parent' as const, 'all' as const),
        depth: fc.nat(3),
      },
      { requiredKeys: ['mode'] },
    ),
  },
  { requiredKeys: [] },
)
const aclPath = fc
  .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 })
  .map((segments) => ['/a', ...segments].join('/'))
const acls = fc.record({
  source: fc.constant('acl' as const),
  principals: attached,
  mount: fc.constantFrom('/', '/', '/a'),
  acls: fc.dictionary(aclPath, acl, { maxKeys: 4 }),
})

const SECRET = [
  'secret:getattr',
  'secret:read',
  'secret:write',
  'secret:save',
  'secret:read-secure',
  'secret:delete',
] as const
const CONNECT = ['connect:getattr', 'connect:search-secrets'] as const
const libvirt = fc.record({
  source: fc.constant('libvirt' as const),
  principals: attached,
  mount: fc.constantFrom('/libvirt', '/a'),
  rules: fc.array(
    fc.oneof(
      fc.record({ permissions: fc.subarray([...CONNECT], { minLength: 1 }) }),
      fc.record(
        {
          permissions: fc.subarray([...SECRET], { minLength: 1 }),
          secrets: fc.constantFrom(['*'], [UUID], ['11111111-1111-4111-8111-111111111111']),
          usage: fc.constantFrom(
            { type: 'volume' as const },
            { type: 'ceph' as const, id: 'a*' },
            { type: 'none' as const, id: 'x' },
          ),
        },
        { requiredKeys: ['permissions', 'secrets'] },
      ),
    ),
    { maxLength: 4 },
  ),
})

/** Documents of all sources, with ids. */
export const foreign: fc.Arbitrary<ForeignDocument[]> = fc
  .array(fc.oneof(vault, vault, setec, acls, libvirt), { minLength: 1, maxLength: 5 })
  .map((list) =>
    list.map((document, index) => ({ id: `f${index}`, ...document }) as ForeignDocument),
  )

const api: fc.Arbitrary<ApiRequest> = fc.record(
  { word: fc.constantFrom(...WORDS), operation: fc.constantFrom(...OPERATIONS) },
  { requiredKeys: ['word'] },
)

export const context: fc.Arbitrary<Context> = fc
  .tuple(
    nativeContext,
    fc.option(api, { nil: undefined, freq: 2 }),
    fc.constantFrom(
      undefined,
      { type: 'volume' },
      { type: 'ceph', id: 'ab' },
      { type: 'none', id: 'x' },
    ),
  )
  .map(([known, request, usage]) => ({
    ...known,
    ...(request === undefined ? {} : { api: request }),
    ...(usage === undefined ? {} : { usage }),
  }))

export const question = fc.record({
  principals: fc.oneof(principals, fc.constant(['user:alice', 'role:admin', 'group:ops'])),
  action: fc.oneof(
    { arbitrary: fc.constantFrom(...ACTIONS), weight: 1 },
    {
      arbitrary: fc.constantFrom(
        'read',
        'decrypt',
        'list',
        'read-metadata',
        'update',
        'create',
        'delete',
        'purge',
      ),
      weight: 2,
    },
  ),
  resource: path,
  time,
  context,
})
