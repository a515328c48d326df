import { type Config, ConfigError, parseConfig } from '@secreg/host'
import { describe, expect, it } from 'vitest'

const secretsOf = (text: string): Config['secrets'] => parseConfig(text, 'f').config.secrets

function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'f')
    return []
  } catch (error) {
    if (!ConfigError.is(error)) throw error
    return error.faults.map(({ line, message }) => `${line}: ${message}`)
  }
}

describe('the Secrets API in the configuration', () => {
  it('reads every key', () => {
    const secrets = secretsOf(`
[secrets]
enabled = true
environment = "staging"
require_auth = true
enforce_scopes = false
authorization = "auto"
audience = "urn:secrets"
inbound_auth_mode = "bearer_plus_mtls_required"
clock_skew = 0
tenant_id = "acme"
allowed_mounts = ["secret", "kv_2.x-y"]
salt_file = "/etc/secreg/salt"
accept_legacy_uris = true
grant_ttl = 3600
grant_max_uses = 1000
negative_cache = 0
anti_replay = "off"
anti_replay_ttl = 60
yaml_path = "/srv/dev.yaml"
audit_sample = 10
audit_mode = "required"
audit_buffer = 1
dev_endpoints = true

[secrets.openbao]
url = "https://bao.example.org:8200/base"
token_file = "/etc/secreg/bao-token"
namespace = "team/a"
ca_file = "/etc/secreg/ca.pem"
verify_tls = false
timeout = 5
pool_size = 1
max_concurrent = 64
renewal_threshold = 0
redirect_hosts = ["bao-2.example.org", "[::1]:8200"]

[secrets.hashicorp]
url = "http://[::1]:8200"
role_id = "r-1"
secret_id_file = "/etc/secreg/secret-id"

[secrets.pdp]
url = "https://pdp.example.org"
token_file = "/etc/secreg/pdp-token"
ca_file = "/etc/secreg/pdp.pem"
timeout_ms = 500

[secrets.tenants.other]
allowed_mounts = ["kv"]

[secrets.issuers.idp]
issuer = "https://idp.example.org/"
jwks_url = "https://idp.example.org/keys?v=2"
tenant_claim = "tenant"
ca_file = "/etc/secreg/idp.pem"

[secrets.issuers."b.c"]
issuer = "b"
jwks_file = "/etc/secreg/keys.json"
`)
    expect(secrets).toMatchObject({
      enabled: true,
      environment: 'staging',
      requireAuth: true,
      enforceScopes: false,
      authorization: undefined,
      audience: 'urn:secrets',
      inboundAuthMode: 'bearer_plus_mtls_required',
      clockSkewSeconds: 0,
      tenantId: 'acme',
      allowedMounts: ['secret', 'kv_2.x-y'],
      saltFile: '/etc/secreg/salt',
      acceptLegacyUris: true,
      grantTtlSeconds: 3600,
      grantMaxUses: 1000,
      ratePerSecond: 50,
      rateBurst: 100,
      negativeCacheSeconds: 0,
      antiReplay: 'off',
      antiReplayTtlSeconds: 60,
      yamlPath: '/srv/dev.yaml',
      auditSample: 10,
      auditMode: 'required',
      auditBuffer: 1,
      devEndpoints: true,
    })
    expect(secrets.openbao).toEqual({
      url: 'https://bao.example.org:8200/base',
      tokenFile: '/etc/secreg/bao-token',
      roleId: undefined,
      secretIdFile: undefined,
      namespace: 'team/a',
      caFile: '/etc/secreg/ca.pem',
      verifyTls: false,
      timeoutSeconds: 5,
      poolSize: 1,
      maxConcurrent: 64,
      renewalThresholdSeconds: 0,
      redirectHosts: ['bao-2.example.org', '[::1]:8200'],
    })
    expect(secrets.hashicorp).toMatchObject({
      url: 'http://[::1]:8200',
      roleId: 'r-1',
      secretIdFile: '/etc/secreg/secret-id',
      verifyTls: true,
    })
    expect(secrets.pdp).toEqual({
      url: 'https://pdp.example.org',
      tokenFile: '/etc/secreg/pdp-token',
      caFile: '/etc/secreg/pdp.pem',
      timeoutMs: 500,
    })
    expect([...secrets.tenants]).toEqual([['other', { allowedMounts: ['kv'] }]])
    expect([...secrets.issuers]).toEqual([
      [
        'idp',
        {
          issuer: 'https://idp.example.org/',
          jwksUrl: 'https://idp.example.org/keys?v=2',
          jwksFile: undefined,
          tenantClaim: 'tenant',
          caFile: '/etc/secreg/idp.pem',
        },
      ],
      [
        'b.c',
        {
          issuer: 'b',
          jwksUrl: undefined,
          jwksFile: '/etc/secreg/keys.json',
          tenantClaim: undefined,
          caFile: undefined,
        },
      ],
    ])
  })

  it('can be changed by nobody, at no depth', () => {
    const secrets = secretsOf('[secrets.tenants.a]\n[secrets.openbao]')
    for (const part of [secrets, secrets.openbao, secrets.openbao.redirectHosts, secrets.pdp]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    expect(Object.isFrozen(secrets.tenants.get('a'))).toBe(true)
  })

  it.each<[string, string[]]>([
    [
      '[secrets]\nenabeld = true',
      ['2: unknown key "secrets.enabeld"; did you mean "secrets.enabled"?'],
    ],
    [
      '[secrets.openbao]\n\nurll = "x"',
      ['3: unknown key "secrets.openbao.urll"; did you mean "secrets.openbao.url"?'],
    ],
    [
      '[secret.openbao]\nurl = "https://x"',
      ['2: unknown key "secret.openbao.url"; did you mean "secrets.openbao.url"?'],
    ],
    [
      '["secrets.openbao"]\nurl = "https://x"',
      ['2: unknown key \'"secrets.openbao".url\'; did you mean "secrets.openbao.url"?'],
    ],
    [
      '[secrets.tenant.acme]\nallowed_mounts = []',
      [
        '2: unknown key "secrets.tenant.acme.allowed_mounts"; did you mean "secrets.tenants.acme.allowed_mounts"?',
      ],
    ],
    [
      '[secrets.issuers.idp]\njwks_uri = "https://x"',
      [
        '2: unknown key "secrets.issuers.idp.jwks_uri"; did you mean "secrets.issuers.idp.jwks_url"?',
      ],
    ],
    ['[secrets.issuers.idp.deep.er]', ['1: unknown key "secrets.issuers.idp.deep.er"']],
    ['[secrets.tenants.a]\n__proto__ = 1', ['2: unknown key "secrets.tenants.a.__proto__"']],
  ])('names the unknown key and the closest one: %j', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected)
  })

  it.each<[string, string]>([
    ['secrets = 5', 'secrets: expected a table, got 5'],
    ['secrets.openbao = 5', 'secrets.openbao: expected a table, got 5'],
    ['secrets.tenants = []', 'secrets.tenants: expected a table, got a list'],
    ['secrets.tenants.a = 5', 'secrets.tenants.a: expected a table, got 5'],
    [
      '[secrets.issuers."a/b"]',
      'secrets.issuers: expected a name of 1 to 64 letters, digits, ".", "_" and "-", not "." or "..", got "a/b"',
    ],
    [
      'secrets.require_auth = "maybe"',
      'secrets.require_auth: expected true, false or "auto", got "maybe"',
    ],
    ['secrets.require_auth = 1', 'secrets.require_auth: expected true, false or "auto", got 1'],
    [
      'secrets.environment = ""',
      'secrets.environment: expected 1 to 64 letters, digits, ".", "_" and "-", got ""',
    ],
    ...['*', 'a/b', '', '..', '.', 'a..b'].map((mount): [string, string] => [
      `secrets.allowed_mounts = ["${mount}"]`,
      'secrets.allowed_mounts: expected a list of names of mounts, of letters, digits, ".", "_" and "-", got a list',
    ]),
    [
      'secrets.openbao.redirect_hosts = ["https://x"]',
      'secrets.openbao.redirect_hosts: expected a list of "HOST" or "HOST:PORT", got a list',
    ],
  ])('refuses %s', (text, message) => {
    expect(faultsOf(text)).toEqual([`1: ${message}`])
  })

  it.each([
    'https://user:pass@example.org',
    'https://example.org/?token=abc',
    'https://example.org/#abc',
    'https://exam ple.org',
    'https://ex\\\\ample.org',
    'ftp://example.org',
    'example.org:8200',
    'https://',
  ])('refuses %s as a server, and does not repeat it', (url) => {
    for (const key of ['openbao.url', 'hashicorp.url', 'pdp.url']) {
      expect(faultsOf(`secrets.${key} = "${url}"`)).toEqual([
        `1: secrets.${key}: expected "https://HOST" or "https://HOST:PORT", with a path behind it or not, or "" for none, got other text`,
      ])
    }
  })

  it.each([
    ['secrets.salt_file', 'hunter2'],
    ['secrets.openbao.token_file', 'hvs.hunter2'],
    ['secrets.openbao.role_id', 'hunter2 '],
    ['secrets.hashicorp.secret_id_file', 'hunter2'],
    ['secrets.pdp.token_file', 'hunter2'],
  ])('never repeats what stands at %s', (key, value) => {
    const faults = faultsOf(`${key} = "${value}"`)
    expect(faults).toHaveLength(1)
    expect(faults[0]).not.toContain('hunter2')
  })
})
