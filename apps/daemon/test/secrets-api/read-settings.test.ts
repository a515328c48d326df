import { chmodSync } from 'node:fs'
import { createTempHome } from '@secreg/testkit'
import { describe, expect, it, test } from 'vitest'
import type { SecretsApiSettings } from '../../src/secrets-api/settings.ts'
import { faultsOf, PRODUCTION, SALT, settingsOf, type Variables } from './settings-site.ts'

const read = async (env: Variables, lines = ''): Promise<SecretsApiSettings> => {
  expect(await faultsOf(env, lines)).toEqual([])
  return (await settingsOf(env, lines)) as SecretsApiSettings
}

const SERVER = {
  url: 'https://bao.example.org',
  auth: { token: 'root' },
  namespace: undefined,
  ca: undefined,
  verifyTls: true,
  timeoutMs: 30_000,
  poolSize: 10,
  maxConcurrent: 50,
  renewalThresholdSeconds: 600,
  redirectHosts: [],
}

it('is safe in production without being told', async () => {
  expect(await read(PRODUCTION)).toEqual({
    environment: 'prod',
    isDevelopment: false,
    requireAuth: true,
    enforceScopes: true,
    authorization: true,
    audience: 'crud.secrets',
    inboundAuthMode: 'bearer',
    clockSkewSeconds: 30,
    issuers: [],
    tenant: 'acme',
    mounts: new Map([['acme', new Set()]]),
    salt: SALT,
    legacyUris: false,
    grants: { ttlSeconds: 300, maxUses: 1 },
    requestLimit: { perSecond: 50, burst: 100 },
    negativeCacheSeconds: 5,
    antiReplay: { mode: 'per-resource', ttlSeconds: 300 },
    yamlPath: undefined,
    openbao: undefined,
    hashicorp: undefined,
    pdp: undefined,
    sampleCacheHits: 1,
    auditMode: 'spool',
    auditBufferSize: 1000,
    devEndpoints: false,
  })
})

test.each(['dev', 'test'])('is open in %s', async (ENVIRONMENT) => {
  expect(await read({ ENVIRONMENT })).toMatchObject({
    isDevelopment: true,
    requireAuth: false,
    enforceScopes: false,
    authorization: false,
    devEndpoints: true,
    tenant: 'dev',
    salt: undefined,
  })
})

it('takes everything from variables', async () => {
  const settings = await read({
    ENVIRONMENT: 'test',
    SECRETS_API_REQUIRE_AUTH: 'true',
    SECRETS_ENFORCE_SCOPES: 'yes',
    ENABLE_AUTHORIZATION: '1',
    SECRETS_AUDIENCE: 'urn:x',
    INBOUND_AUTH_MODE: 'mtls',
    TENANT_ID: 'acme',
    TENANT_ALLOWED_MOUNTS: 'secret, kv',
    TENANT_SALT: SALT,
    SECRET_TENANT_SALT: SALT,
    SECRET_URI_ACCEPT_LEGACY: 'true',
    GRANT_TTL_DEFAULT: '60',
    GRANT_MAX_USES_DEFAULT: '20',
    NEGATIVE_CACHE_TTL_S: '0',
    SECRETS_ANTI_REPLAY: 'per-token',
    ANTI_REPLAY_TTL_S: '30',
    YAML_VAULT_PATH: '/srv/dev.yaml',
    VAULT_URL: 'https://bao.example.org',
    VAULT_TOKEN: 'root',
    VAULT_TIMEOUT: '2',
    VAULT_VERIFY_SSL: 'false',
    VAULT_POOL_SIZE: '3',
    VAULT_TOKEN_RENEWAL_THRESHOLD: '0',
    VAULT_MAX_CONCURRENT_OPERATIONS: '4',
    VAULT_NAMESPACE: 'team/a',
    VAULT_ALLOWED_REDIRECT_HOSTS: 'b.example.org, c.example.org:8200',
    AUDIT_SAMPLE_CACHE_HIT_N: '5',
    SECRETS_AUDIT_MODE: 'best_effort',
    SECRETS_AUDIT_BUFFER_SIZE: '10',
    SECRETS_DEV_ENDPOINTS: 'false',
    AUTHZEN_PDP_URL: 'http://127.0.0.1:1',
    AUTHZEN_PDP_TOKEN: 'pdp-token',
    AUTHZEN_TIMEOUT_MS: '100',
  })
  const server = {
    ...SERVER,
    verifyTls: false,
    timeoutMs: 2000,
    poolSize: 3,
    maxConcurrent: 4,
    renewalThresholdSeconds: 0,
    namespace: 'team/a',
    redirectHosts: ['b.example.org', 'c.example.org:8200'],
  }
  expect(settings).toEqual({
    environment: 'test',
    isDevelopment: true,
    requireAuth: true,
    enforceScopes: true,
    authorization: true,
    audience: 'urn:x',
    inboundAuthMode: 'mtls',
    clockSkewSeconds: 30,
    issuers: [],
    tenant: 'acme',
    mounts: new Map([['acme', new Set(['secret', 'kv'])]]),
    salt: SALT,
    legacyUris: true,
    grants: { ttlSeconds: 60, maxUses: 20 },
    requestLimit: { perSecond: 50, burst: 100 },
    negativeCacheSeconds: 0,
    antiReplay: { mode: 'per-token', ttlSeconds: 30 },
    yamlPath: '/srv/dev.yaml',
    openbao: server,
    hashicorp: server,
    pdp: { url: 'http://127.0.0.1:1', token: 'pdp-token', ca: undefined, timeoutMs: 100 },
    sampleCacheHits: 5,
    auditMode: 'best_effort',
    auditBufferSize: 10,
    devEndpoints: false,
  })
})

it('takes everything from the file, and a variable over it', async () => {
  await using home = createTempHome()
  const secret = (name: string): string => {
    const file = home.write(name, `${name}-${'x'.repeat(32)}\n`)
    chmodSync(file, 0o600)
    return JSON.stringify(file)
  }
  const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
  const ca = JSON.stringify(home.write('ca.pem', pem))
  const lines = `
secrets.environment = "staging"
secrets.tenant_id = "acme"
secrets.allowed_mounts = ["secret"]
secrets.salt_file = ${secret('salt')}
secrets.grant_ttl = 60
secrets.yaml_path = "/srv/dev.yaml"
[secrets.tenants.other]
allowed_mounts = ["kv"]
[secrets.openbao]
url = "https://bao.example.org"
token_file = ${secret('token')}
ca_file = ${ca}
[secrets.hashicorp]
url = "https://vault.example.org"
role_id = "r"
secret_id_file = ${secret('secret-id')}
[secrets.pdp]
url = "https://pdp.example.org"
token_file = ${secret('pdp')}
ca_file = ${ca}
[secrets.issuers.idp]
issuer = "https://idp.example.org"
jwks_url = "https://idp.example.org/keys"
ca_file = ${ca}
tenant_claim = "tenant"
[secrets.issuers.local]
issuer = "local"
jwks_file = "/etc/secreg/keys.json"
`
  const tail = `-${'x'.repeat(32)}`
  const settings = await read({}, lines)
  expect(settings).toMatchObject({
    environment: 'staging',
    isDevelopment: false,
    requireAuth: true,
    tenant: 'acme',
    mounts: new Map([
      ['other', new Set(['kv'])],
      ['acme', new Set(['secret'])],
    ]),
    salt: `salt${tail}`,
    grants: { ttlSeconds: 60, maxUses: 1 },
    yamlPath: '/srv/dev.yaml',
    openbao: { ...SERVER, auth: { token: `token${tail}` }, ca: pem },
    hashicorp: {
      ...SERVER,
      url: 'https://vault.example.org',
      auth: { roleId: 'r', secretId: `secret-id${tail}` },
    },
    pdp: { url: 'https://pdp.example.org', token: `pdp${tail}`, ca: pem, timeoutMs: 2000 },
    issuers: [
      {
        issuer: 'https://idp.example.org',
        name: 'idp',
        keys: { url: 'https://idp.example.org/keys' },
        ca: pem,
        tenantClaim: 'tenant',
      },
      {
        issuer: 'local',
        name: 'local',
        keys: { file: '/etc/secreg/keys.json' },
        ca: undefined,
        tenantClaim: undefined,
      },
    ],
  })
  const over = await read(
    {
      ENVIRONMENT: 'prod',
      TENANT_ID: 'third',
      TENANT_ALLOWED_MOUNTS: 'a',
      TENANT_SALT: SALT,
      GRANT_TTL_DEFAULT: '10',
      OPENBAO_URL: 'https://other.example.org',
      OPENBAO_TOKEN: 'other',
      HASHICORP_SECRET_ID: 's',
      AUTHZEN_PDP_TOKEN: 'p',
    },
    lines,
  )
  expect(over).toMatchObject({
    environment: 'prod',
    tenant: 'third',
    mounts: new Map([
      ['other', new Set(['kv'])],
      ['third', new Set(['a'])],
    ]),
    salt: SALT,
    grants: { ttlSeconds: 10, maxUses: 1 },
    openbao: { url: 'https://other.example.org', auth: { token: 'other' } },
    hashicorp: { auth: { roleId: 'r', secretId: 's' } },
    pdp: { token: 'p' },
  })
})

describe('logins of servers', () => {
  const HERE = 'https://bao.example.org'
  const ALL = { VAULT_URL: HERE, VAULT_TOKEN: 'v' }

  test.each<[string, Variables, unknown, unknown]>([
    ['what is for both', ALL, { token: 'v' }, { token: 'v' }],
    [
      'a role for both',
      { VAULT_URL: HERE, VAULT_ROLE_ID: 'r', VAULT_SECRET_ID: 's' },
      { roleId: 'r', secretId: 's' },
      { roleId: 'r', secretId: 's' },
    ],
    [
      'a token before a role',
      { ...ALL, VAULT_ROLE_ID: 'r', VAULT_SECRET_ID: 's' },
      { token: 'v' },
      { token: 'v' },
    ],
    ['its own before that', { ...ALL, OPENBAO_TOKEN: 'o' }, { token: 'o' }, { token: 'v' }],
    [
      'its own role before the token of another server',
      { ...ALL, OPENBAO_ROLE_ID: 'r', OPENBAO_SECRET_ID: 's' },
      { roleId: 'r', secretId: 's' },
      { token: 'v' },
    ],
    [
      'half of its own role',
      { ...ALL, OPENBAO_ROLE_ID: 'o', VAULT_SECRET_ID: 's' },
      { roleId: 'o', secretId: 's' },
      { token: 'v' },
    ],
    ['a login of one alone', { VAULT_URL: HERE, HASHICORP_TOKEN: 'h' }, undefined, { token: 'h' }],
    ['a token without a server', { VAULT_TOKEN: 'v' }, undefined, undefined],
  ])('%s', async (_, env, openbao, hashicorp) => {
    const settings = await read({ ...PRODUCTION, ...env })
    expect([settings.openbao?.auth, settings.hashicorp?.auth]).toEqual([openbao, hashicorp])
  })

  it('what is for both stands behind the file', async () => {
    const file = 'secrets.openbao.url = "https://file.example.org"'
    const settings = await read({ ...PRODUCTION, ...ALL }, file)
    expect(settings.openbao?.url).toBe('https://file.example.org')
    expect(settings.hashicorp?.url).toBe(HERE)
    const own = { OPENBAO_URL: 'https://own.example.org' }
    const over = await read({ ...PRODUCTION, ...ALL, ...own }, file)
    expect(over.openbao?.url).toBe('https://own.example.org')
  })
})

describe('mounts', () => {
  const TABLES = 'secrets.tenants.acme.allowed_mounts = ["b"]'

  it('U32: none without a list, and of an empty one', async () => {
    for (const env of [{}, { TENANT_ALLOWED_MOUNTS: '' }, { TENANT_ALLOWED_MOUNTS: ' , ' }]) {
      const { mounts } = await read({ ...PRODUCTION, ...env })
      expect(mounts).toEqual(new Map([['acme', new Set()]]))
    }
  })

  it('an empty variable closes what the file has opened', async () => {
    const { mounts } = await read(
      { ...PRODUCTION, TENANT_ALLOWED_MOUNTS: '' },
      'secrets.allowed_mounts = ["a"]',
    )
    expect(mounts.get('acme')).toEqual(new Set())
  })

  it('of the tenant at its table, unless the variable says', async () => {
    expect((await read(PRODUCTION, TABLES)).mounts).toEqual(new Map([['acme', new Set(['b'])]]))
    const over = await read({ ...PRODUCTION, TENANT_ALLOWED_MOUNTS: 'a' }, TABLES)
    expect(over.mounts).toEqual(new Map([['acme', new Set(['a'])]]))
  })
})

describe('what is for development', () => {
  test.each([
    ['dev', true, true],
    ['test', true, true],
    ['staging', false, true],
    ['prod', false, false],
    ['Production', false, false],
  ])('in %s: legacy URIs %s, YAML %s', async (ENVIRONMENT, legacy, yaml) => {
    const env = { SECRET_URI_ACCEPT_LEGACY: 'true', YAML_VAULT_PATH: '/srv/dev.yaml' }
    const settings = await read({ ...PRODUCTION, ...env, ENVIRONMENT })
    expect(settings.legacyUris).toBe(legacy)
    expect(settings.yamlPath).toBe(yaml ? '/srv/dev.yaml' : undefined)
  })

  it('the endpoints of development, where somebody wants them', async () => {
    const env = { ...PRODUCTION, SECRETS_DEV_ENDPOINTS: 'true' }
    expect((await read(env)).devEndpoints).toBe(true)
    const off = { ENVIRONMENT: 'dev', SECRETS_DEV_ENDPOINTS: '0' }
    expect((await read(off)).devEndpoints).toBe(false)
  })
})

it('agrees with the file about Kafka', async () => {
  const lines = 'kafka.brokers = ["k:1", "l:2"]\nkafka.topic_prefix = "acme"'
  const env = {
    ...PRODUCTION,
    ENABLE_KAFKA_PRODUCER: 'TRUE',
    KAFKA_BOOTSTRAP_SERVERS: 'l:2, k:1',
    KAFKA_TOPIC_PREFIX: 'acme',
  }
  await read(env, lines)
  await read({ ...PRODUCTION, ENABLE_KAFKA_PRODUCER: 'false', KAFKA_TOPIC_PREFIX: 'x' })
  await read(PRODUCTION, lines)
})
