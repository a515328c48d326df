/** What is refused in foreign documents, where, and under which code. */

import { compile, PolicyError, setecAcl, setecRules, vaultAcl } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const HEADS = {
  vault: { mount: '/kv/secret', apiMount: 'secret', policies: [] },
  setec: { mount: '/setec', rules: [] },
  acl: { mount: '/', acls: {} },
  libvirt: { mount: '/libvirt', rules: [] },
} as const

type Kind = keyof typeof HEADS

const documentOf = (source: Kind, change: object): object => ({
  id: 'f',
  source,
  principals: ['*'],
  ...HEADS[source],
  ...change,
})
const vaultRule = (rule: unknown, pattern = 'secret/x'): object => ({
  policies: [{ name: 'p', path: { [pattern]: rule } }],
})
const aclOf = (acl: unknown, path = '/a'): object => ({ acls: { [path]: acl } })
const permission = (change: object): object =>
  aclOf({
    permissions: [{ principal_type: 'user', principal_name: 'a', actions: ['read'], ...change }],
  })
const condition = (one: unknown): object => permission({ conditions: [one] })
const libvirtRule = (change: object): object => ({
  rules: [{ permissions: ['secret:read'], secrets: ['*'], ...change }],
})

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (PolicyError.is(error)) return `${error.code} ${error.pointer}`
    throw error
  }
  return 'accepted'
}

describe('compile refuses', () => {
  test.each<[Kind, object, string]>([
    ['vault', { id: 'a b' }, 'ERR_POLICY_ID /id'],
    ['vault', { extra: 1 }, 'ERR_POLICY_SHAPE /extra'],
    ['vault', { description: 1 }, 'ERR_POLICY_SHAPE /description'],
    ['vault', { principals: [] }, 'ERR_POLICY_PRINCIPAL /principals'],
    ['vault', { principals: ['alice'] }, 'ERR_POLICY_PRINCIPAL /principals/0'],
    ['vault', { mount: '/kv/*' }, 'ERR_POLICY_PATTERN /mount'],
    ['vault', { mount: '/kv/' }, 'ERR_POLICY_PATTERN /mount'],
    ['vault', { mount: 'kv' }, 'ERR_POLICY_PATTERN /mount'],
    ['vault', { mount: '/kv/../x' }, 'ERR_POLICY_PATTERN /mount'],
    ['vault', { apiMount: '' }, 'ERR_POLICY_PATTERN /apiMount'],
    ['vault', { apiMount: 'secret/' }, 'ERR_POLICY_PATTERN /apiMount'],
    ['vault', { apiMount: 'a/../b' }, 'ERR_POLICY_PATTERN /apiMount'],
    ['vault', { apiMount: 'se*' }, 'ERR_POLICY_PATTERN /apiMount'],
    ['vault', { policies: {} }, 'ERR_POLICY_SHAPE /policies'],
    ['vault', { policies: [{ path: {} }] }, 'ERR_POLICY_SHAPE /policies/0'],
    [
      'vault',
      { policies: [{ name: 'p', path: {}, rules: [] }] },
      'ERR_POLICY_SHAPE /policies/0/rules',
    ],
    ['vault', { policies: [{ name: 'root', path: {} }] }, 'ERR_POLICY_ID /policies/0/name'],
    [
      'vault',
      {
        policies: [
          { name: 'p', path: {} },
          { name: 'p', path: {} },
        ],
      },
      'ERR_POLICY_ID /policies/1/name',
    ],
    [
      'vault',
      vaultRule({ capabilties: ['read'] }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/capabilties',
    ],
    [
      'vault',
      vaultRule({ capabilities: ['fly'] }),
      'ERR_POLICY_ACTION /policies/0/path/secret~1x/capabilities/0',
    ],
    [
      'vault',
      vaultRule({ capabilities: ['READ'] }),
      'ERR_POLICY_ACTION /policies/0/path/secret~1x/capabilities/0',
    ],
    [
      'vault',
      vaultRule({ capabilities: ['root'] }),
      'ERR_POLICY_ACTION /policies/0/path/secret~1x/capabilities/0',
    ],
    [
      'vault',
      vaultRule({ policy: 'constructor' }),
      'ERR_POLICY_ACTION /policies/0/path/secret~1x/policy',
    ],
    ['vault', vaultRule({}, 'secret/+*'), 'ERR_POLICY_PATTERN /policies/0/path/secret~1+*'],
    ['vault', vaultRule({}, ''), 'ERR_POLICY_PATTERN /policies/0/path/'],
    ['vault', vaultRule({}, '/'), 'ERR_POLICY_PATTERN /policies/0/path/~1'],
    ['vault', vaultRule({}, 'a/{{x'), 'ERR_POLICY_PATTERN /policies/0/path/a~1{{x'],
    ['vault', vaultRule({}, 'a/x}}'), 'ERR_POLICY_PATTERN /policies/0/path/a~1x}}'],
    [
      'vault',
      vaultRule({}, 'a/{{env.HOME}}'),
      'ERR_POLICY_PATTERN /policies/0/path/a~1{{env.HOME}}',
    ],
    [
      'vault',
      vaultRule({}, '{{identity.entity.toString}}'),
      'ERR_POLICY_PATTERN /policies/0/path/{{identity.entity.toString}}',
    ],
    [
      'vault',
      vaultRule({ expiration: '2026-02-30T00:00:00Z' }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/expiration',
    ],
    [
      'vault',
      vaultRule({ expiration: 'tomorrow' }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/expiration',
    ],
    [
      'vault',
      vaultRule({ max_wrapping_ttl: '-1s' }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/max_wrapping_ttl',
    ],
    [
      'vault',
      vaultRule({ max_wrapping_ttl: 1, min_wrapping_ttl: '1m' }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x',
    ],
    [
      'vault',
      vaultRule({ pagination_limit: -1 }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/pagination_limit',
    ],
    [
      'vault',
      vaultRule({ allowed_parameters: { a: 'x' } }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/allowed_parameters/a',
    ],
    [
      'vault',
      vaultRule({ control_group: {} }),
      'ERR_POLICY_SHAPE /policies/0/path/secret~1x/control_group',
    ],
    ['setec', { rules: {} }, 'ERR_POLICY_SHAPE /rules'],
    ['setec', { rules: ['x'] }, 'ERR_POLICY_SHAPE /rules/0'],
    ['setec', { rules: [{ action: 'get' }] }, 'ERR_POLICY_SHAPE /rules/0/action'],
    ['setec', { rules: [{ secret: [1] }] }, 'ERR_POLICY_SHAPE /rules/0/secret/0'],
    ['setec', { policies: [] }, 'ERR_POLICY_SHAPE /policies'],
    ['acl', aclOf({ owners: 'a' }), 'ERR_POLICY_SHAPE /acls/~1a/owners'],
    ['acl', aclOf({}, '/a/*'), 'ERR_POLICY_PATTERN /acls/~1a~1*'],
    ['acl', aclOf({}, '/a/'), 'ERR_POLICY_PATTERN /acls/~1a~1'],
    ['acl', { mount: '/b', ...aclOf({}) }, 'ERR_POLICY_PATTERN /acls/~1a'],
    ['acl', aclOf({ owner: '' }), 'ERR_POLICY_PRINCIPAL /acls/~1a/owner'],
    ['acl', aclOf({ owner: '*' }), 'ERR_POLICY_PRINCIPAL /acls/~1a/owner'],
    [
      'acl',
      aclOf({ inheritance: { mode: 'some' } }),
      'ERR_POLICY_SHAPE /acls/~1a/inheritance/mode',
    ],
    [
      'acl',
      aclOf({ inheritance: { mode: 'all', depth: -1 } }),
      'ERR_POLICY_SHAPE /acls/~1a/inheritance/depth',
    ],
    ['acl', aclOf({ inheritance: {} }), 'ERR_POLICY_SHAPE /acls/~1a/inheritance'],
    [
      'acl',
      permission({ principal_type: 'uid' }),
      'ERR_POLICY_PRINCIPAL /acls/~1a/permissions/0/principal_type',
    ],
    [
      'acl',
      permission({ principal_name: '*' }),
      'ERR_POLICY_PRINCIPAL /acls/~1a/permissions/0/principal_name',
    ],
    ['acl', permission({ actions: [] }), 'ERR_POLICY_ACTION /acls/~1a/permissions/0/actions'],
    [
      'acl',
      permission({ actions: ['list'] }),
      'ERR_POLICY_ACTION /acls/~1a/permissions/0/actions/0',
    ],
    ['acl', permission({ action: ['read'] }), 'ERR_POLICY_SHAPE /acls/~1a/permissions/0/action'],
    [
      'acl',
      condition({ type: 'moon' }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/type',
    ],
    [
      'acl',
      condition({ type: 'toString' }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/type',
    ],
    [
      'acl',
      condition({ type: 'require_mfa', mfa: true }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/mfa',
    ],
    [
      'acl',
      condition({ type: 'require_tpm', require_tpm: 1 }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/require_tpm',
    ],
    [
      'acl',
      condition({ type: 'time_range', start_time: 0, end_time: 86_401 }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/end_time',
    ],
    [
      'acl',
      condition({ type: 'time_range', start_time: 0, end_time: 1, zone: 'Mars' }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/zone',
    ],
    [
      'acl',
      condition({ type: 'ip_range', min_ip: '10.0.0.9', max_ip: '10.0.0.1' }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0',
    ],
    [
      'acl',
      condition({ type: 'ip_range', min_ip: '10.0.0.9', max_ip: '::1' }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0',
    ],
    [
      'acl',
      condition({ type: 'ip_range', min_ip: '10.0.0.0/8', max_ip: '10.0.0.1' }),
      'ERR_POLICY_CONDITION /acls/~1a/permissions/0/conditions/0/min_ip',
    ],
    ['libvirt', { rules: [{ permissions: ['secret:read'] }] }, 'ERR_POLICY_SHAPE /rules/0'],
    ['libvirt', libvirtRule({ permissions: [] }), 'ERR_POLICY_SHAPE /rules/0/permissions'],
    [
      'libvirt',
      libvirtRule({ permissions: ['secret:fly'] }),
      'ERR_POLICY_ACTION /rules/0/permissions/0',
    ],
    [
      'libvirt',
      libvirtRule({ permissions: ['domain:read'] }),
      'ERR_POLICY_ACTION /rules/0/permissions/0',
    ],
    ['libvirt', libvirtRule({ secrets: [] }), 'ERR_POLICY_PATTERN /rules/0/secrets'],
    [
      'libvirt',
      libvirtRule({ secrets: ['A'.repeat(36)] }),
      'ERR_POLICY_PATTERN /rules/0/secrets/0',
    ],
    ['libvirt', libvirtRule({ usage: { type: 'disk' } }), 'ERR_POLICY_SHAPE /rules/0/usage/type'],
    [
      'libvirt',
      libvirtRule({ usage: { type: 'volume', name: 'x' } }),
      'ERR_POLICY_SHAPE /rules/0/usage/name',
    ],
    [
      'libvirt',
      { rules: [{ permissions: ['connect:getattr'], usage: { type: 'volume' } }] },
      'ERR_POLICY_SHAPE /rules/0/usage',
    ],
  ])('%s %j', (source, change, expected) => {
    expect(refusal(() => compile([documentOf(source, change)]))).toBe(expected)
  })

  test.each(['Vault', 'toString', '', 1, null])('a source that is %j', (source) => {
    const document = { ...documentOf('vault', {}), source }
    expect(refusal(() => compile([document]))).toBe('ERR_POLICY_SHAPE /source')
  })

  test('an id that a native document has, and the other way round', () => {
    const native = { id: 'f', rules: [] }
    const foreign = documentOf('setec', {})
    expect(refusal(() => compile([native, foreign]))).toBe('ERR_POLICY_ID /id')
    expect(refusal(() => compile([foreign, native]))).toBe('ERR_POLICY_ID /id')
  })

  test('two names of one mount of Vault, also one change later', () => {
    const one = documentOf('vault', {})
    const two = documentOf('vault', { id: 'g', apiMount: 'other' })
    expect(refusal(() => compile([one, two]))).toBe('ERR_POLICY_PATTERN /apiMount')
    const policy = compile([one])
    expect(refusal(() => policy.replace({ set: [two] }))).toBe('ERR_POLICY_PATTERN /apiMount')
    expect(policy.replace({ set: [two], remove: ['f'] }).documents).toEqual(['g'])
    const renamed = { ...one, apiMount: 'other' }
    expect(policy.replace({ set: [renamed, two] }).documents).toEqual(['f', 'g'])
  })

  test('nothing with anything but PolicyError, whatever JSON it is', () => {
    const kinds = fc.constantFrom<Kind>('vault', 'setec', 'acl', 'libvirt')
    const members = fc.constantFrom('policies', 'rules', 'acls', 'mount', 'apiMount', 'principals')
    fc.assert(
      fc.property(kinds, members, fc.jsonValue(), (kind, member, value) => {
        refusal(() => compile([documentOf(kind, { [member]: value })]))
        refusal(() => compile([documentOf(kind, vaultRule(value))]))
        refusal(() => compile([documentOf(kind, aclOf(value))]))
        refusal(() => compile([documentOf(kind, { rules: [value] })]))
        refusal(() => setecRules(value))
        refusal(() => setecAcl(value as never))
        refusal(() => vaultAcl(value as never))
      }),
      { numRuns: 1000 },
    )
  })
})

test.each([1, 'x', null])('subject refuses an identity that is %j', (identity) => {
  expect(() => compile([]).subject([], identity as never)).toThrow(TypeError)
})
