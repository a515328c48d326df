import { chmodSync } from 'node:fs'
import { createCanary, createTempHome } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { SECRETS_VARIABLES } from '../../src/secrets-api/settings-variables.ts'
import { faultsOf, PRODUCTION, SALT, settingsOf, type Variables } from './settings-site.ts'

const OUTSIDE =
  'outside of development: ENVIRONMENT, or secrets.environment, is neither dev nor test'
const BOOLEAN = 'expected true, 1 or yes, or false, 0 or no'
const SERVER = { VAULT_URL: 'https://bao.example.org', VAULT_TOKEN: 'hvs.t' }

interface Refusal {
  readonly env: Variables
  readonly lines?: string
  readonly faults: readonly string[]
  /** The same starts in development; of `production`, also in what is neither. */
  readonly development?: true | 'production'
}

/** What is refused outside of development alone, and what everywhere. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  'A25: authorization off': {
    env: { ENABLE_AUTHORIZATION: 'false' },
    faults: [`environment: ENABLE_AUTHORIZATION: expected true ${OUTSIDE}`],
    development: true,
  },
  'authorization off in the file': {
    env: {},
    lines: '\nsecrets.authorization = false',
    faults: [`config.toml:3: secrets.authorization: expected true ${OUTSIDE}`],
    development: true,
  },
  'no authentication': {
    env: { SECRETS_API_REQUIRE_AUTH: '0' },
    faults: [`environment: SECRETS_API_REQUIRE_AUTH: expected true ${OUTSIDE}`],
    development: true,
  },
  'no scopes': {
    env: { SECRETS_ENFORCE_SCOPES: 'no' },
    faults: [`environment: SECRETS_ENFORCE_SCOPES: expected true ${OUTSIDE}`],
    development: true,
  },
  'A25: a switch that is neither': {
    env: { SECRETS_API_REQUIRE_AUTH: 'maybe' },
    faults: [`environment: SECRETS_API_REQUIRE_AUTH: ${BOOLEAN}`],
  },
  'a switch without text': {
    env: { SECRET_URI_ACCEPT_LEGACY: '' },
    faults: [`environment: SECRET_URI_ACCEPT_LEGACY: ${BOOLEAN}`],
  },
  'A25: no salt': {
    env: { TENANT_SALT: '' },
    faults: [
      `config.toml: secrets.salt_file: expected it, or TENANT_SALT, of 32 bytes or more ${OUTSIDE}`,
    ],
    development: true,
  },
  'a salt of 31 bytes': {
    env: { TENANT_SALT: 'x'.repeat(31) },
    faults: [`environment: TENANT_SALT: expected 32 bytes or more ${OUTSIDE}`],
    development: true,
  },
  'the other salt of 31 bytes': {
    env: { TENANT_SALT: '', SECRET_TENANT_SALT: 'x'.repeat(31) },
    faults: [`environment: SECRET_TENANT_SALT: expected 32 bytes or more ${OUTSIDE}`],
    development: true,
  },
  'A25: two salts': {
    env: { SECRET_TENANT_SALT: `${SALT}-other` },
    faults: [
      'environment: TENANT_SALT, SECRET_TENANT_SALT: expected one of them, or the same twice',
    ],
  },
  'A25: certificates that are not checked': {
    env: { VAULT_VERIFY_SSL: 'false' },
    faults: [`environment: VAULT_VERIFY_SSL: expected true ${OUTSIDE}`],
    development: true,
  },
  'those of one server': {
    env: {},
    lines: 'secrets.hashicorp.verify_tls = false',
    faults: [`config.toml:2: secrets.hashicorp.verify_tls: expected true ${OUTSIDE}`],
    development: true,
  },
  'a server without TLS': {
    env: { ...SERVER, VAULT_URL: 'http://127.0.0.1:8200' },
    faults: [`environment: VAULT_URL: expected https: ${OUTSIDE}`],
    development: true,
  },
  'a decision point without TLS': {
    env: { AUTHZEN_PDP_URL: 'http://127.0.0.1:8200' },
    faults: [`environment: AUTHZEN_PDP_URL: expected https: ${OUTSIDE}`],
    development: true,
  },
  'keys of an issuer without TLS': {
    env: {},
    lines: '[secrets.issuers."a.b"]\nissuer = "i"\njwks_url = "http://127.0.0.1/keys"',
    faults: [`config.toml:4: secrets.issuers.a.b.jwks_url: expected https: ${OUTSIDE}`],
    development: true,
  },
  'events that may be lost': {
    env: { SECRETS_AUDIT_MODE: 'best_effort' },
    faults: ['environment: SECRETS_AUDIT_MODE: expected spool or required in production'],
    development: 'production',
  },
  'no tenant': {
    env: { TENANT_ID: '' },
    faults: [`config.toml: secrets.tenant_id: expected it, or TENANT_ID, ${OUTSIDE}`],
    development: true,
  },
  'a tenant that is none': {
    env: { TENANT_ID: 'a b' },
    faults: [
      'environment: TENANT_ID: expected 1 to 64 letters, digits, ".", "_" and "-", or "" for none',
    ],
  },
  'all mounts': {
    env: { TENANT_ALLOWED_MOUNTS: '*' },
    faults: [
      'environment: TENANT_ALLOWED_MOUNTS: expected a list of names of mounts, of letters, digits, ".", "_" and "-"',
    ],
  },
  'the mounts of a tenant in two places': {
    env: {},
    lines: 'secrets.allowed_mounts = ["a"]\nsecrets.tenants.acme.allowed_mounts = ["b"]',
    faults: [
      'config.toml:2: secrets.allowed_mounts: expected here or at secrets.tenants.acme, which is that tenant',
    ],
  },
  'a place of the store': {
    env: { ENVIRONMENT: 'staging', YAML_VAULT_PATH: '/var/lib/secreg/x.yaml' },
    faults: ['environment: YAML_VAULT_PATH: expected a place outside of database.path'],
  },
  'a server without a login': {
    env: { OPENBAO_URL: 'https://bao.example.org' },
    faults: [
      'environment: OPENBAO_URL: expected a login with it: OPENBAO_TOKEN, or OPENBAO_ROLE_ID and OPENBAO_SECRET_ID, or secrets.openbao.token_file, or secrets.openbao.role_id and secrets.openbao.secret_id_file',
    ],
  },
  'half a login': {
    env: { HASHICORP_URL: 'https://vault.example.org', HASHICORP_SECRET_ID: 's' },
    faults: [expect.stringContaining('environment: HASHICORP_URL: expected a login with it: ')],
  },
  'a server for both without a login': {
    env: { VAULT_URL: 'https://bao.example.org' },
    faults: [
      'environment: VAULT_URL: expected VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, with it',
    ],
  },
  'a login without its server': {
    env: { OPENBAO_TOKEN: 'hvs.t' },
    faults: ['config.toml: secrets.openbao.url: expected it, or OPENBAO_URL, with a login for it'],
  },
  'a token that cannot be sent': {
    env: { ...SERVER, VAULT_TOKEN: 'two words' },
    faults: [
      'environment: VAULT_TOKEN: expected printable characters without spaces, at most 8192',
      'environment: VAULT_URL: expected VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, with it',
    ],
  },
  'a token for nobody': {
    env: { AUTHZEN_PDP_TOKEN: 't' },
    faults: ['config.toml: secrets.pdp.url: expected it, or AUTHZEN_PDP_URL, with a token for it'],
  },
  'an issuer of accounts of the registry': {
    env: {},
    lines: '[secrets.issuers.SecReg]\nissuer = "i"\njwks_file = "/k"',
    faults: [
      'config.toml:2: secrets.issuers.SecReg: expected other names than secreg, which is the registry, and each once',
    ],
  },
  'an issuer twice': {
    env: {},
    lines:
      '[secrets.issuers]\na = { issuer = "i", jwks_file = "/k" }\nb = { issuer = "i", jwks_file = "/k" }\nA = { issuer = "j", jwks_file = "/k" }',
    faults: [
      'config.toml:4: secrets.issuers.b.issuer: expected it, and other than that of another',
      'config.toml:5: secrets.issuers.A: expected other names than secreg, which is the registry, and each once',
    ],
  },
  'an issuer that says nothing': {
    env: {},
    lines: '[secrets.issuers.a]',
    faults: [
      'config.toml: secrets.issuers.a.issuer: expected it, and other than that of another',
      'config.toml: secrets.issuers.a.jwks_url: expected it or jwks_file, and not both',
    ],
  },
  'an issuer with keys in two places': {
    env: {},
    lines: '[secrets.issuers.a]\nissuer = "i"\njwks_file = "/k"\njwks_url = "https://i/k"',
    faults: ['config.toml:5: secrets.issuers.a.jwks_url: expected it or jwks_file, and not both'],
  },
  'paths that demand a proof': {
    env: { BINDING_REQUIRED_PATHS: '/api/secrets' },
    faults: [expect.stringContaining('environment: BINDING_REQUIRED_PATHS: expected none')],
  },
  'Kafka that is nowhere': {
    env: { ENABLE_KAFKA_PRODUCER: 'true', KAFKA_BOOTSTRAP_SERVERS: 'k:1' },
    faults: [
      'environment: ENABLE_KAFKA_PRODUCER: expected kafka.brokers in the file with it: Kafka is set up there',
    ],
  },
  'Kafka that is not off': {
    env: { ENABLE_KAFKA_PRODUCER: 'no' },
    lines: 'kafka.brokers = ["k:1"]',
    faults: [
      'environment: ENABLE_KAFKA_PRODUCER: expected no kafka.brokers: Kafka is set up there',
    ],
  },
  'Kafka elsewhere': {
    env: {
      ENABLE_KAFKA_PRODUCER: 'true',
      KAFKA_BOOTSTRAP_SERVERS: 'k:1',
      KAFKA_TOPIC_PREFIX: 'acme',
    },
    lines: 'kafka.brokers = ["k:1", "l:1"]',
    faults: [
      'environment: KAFKA_BOOTSTRAP_SERVERS: expected what kafka.brokers has in the file',
      'environment: KAFKA_TOPIC_PREFIX: expected what kafka.topic_prefix has in the file',
    ],
  },
  'Kafka, perhaps': {
    env: { ENABLE_KAFKA_PRODUCER: 'on' },
    faults: [`environment: ENABLE_KAFKA_PRODUCER: ${BOOLEAN}`],
  },
}

describe('a start is refused', () => {
  test.each(Object.entries(REFUSALS))('%s', async (_, { env, lines, faults, development }) => {
    expect(await faultsOf({ ...PRODUCTION, ...env }, lines)).toEqual(faults)
    if (development === undefined) return
    for (const ENVIRONMENT of ['dev', 'test']) {
      expect(await faultsOf({ ...PRODUCTION, ...env, ENVIRONMENT }, lines)).toEqual([])
    }
    // Neither another spelling nor another name is development.
    for (const ENVIRONMENT of ['DEV', 'Test', 'dev.', 'development', 'staging']) {
      const expected = development === 'production' ? [] : faults
      expect(await faultsOf({ ...PRODUCTION, ...env, ENVIRONMENT }, lines)).toEqual(expected)
    }
    for (const ENVIRONMENT of ['production', 'PROD']) {
      expect(await faultsOf({ ...PRODUCTION, ...env, ENVIRONMENT }, lines)).toEqual(faults)
    }
  })

  it('with everything that is wrong', async () => {
    const env = Object.assign({}, ...Object.values(REFUSALS).map((refusal) => refusal.env))
    const faults = await faultsOf({ ...PRODUCTION, ...env, ENVIRONMENT: 'prod' })
    expect(faults.length).toBeGreaterThan(12)
    expect(new Set(faults).size).toBe(faults.length)
  })

  it('A26: without ENVIRONMENT as in production', async () => {
    const { ENVIRONMENT: _, ...bare } = PRODUCTION
    expect(await faultsOf({})).toEqual(await faultsOf({ ENVIRONMENT: 'prod' }))
    expect(await settingsOf(bare)).toEqual(await settingsOf(PRODUCTION))
    expect(await settingsOf({ ...bare, ENVIRONMENT: '' })).toEqual(await settingsOf(PRODUCTION))
  })

  it('only where the API is on', async () => {
    const { parseConfig } = await import('@secreg/host')
    const { readSecretsSettings } = await import('../../src/secrets-api/read-settings.ts')
    const loaded = parseConfig('secrets.authorization = false', 'f')
    const variables = { get: () => 'nonsense' }
    expect(await readSecretsSettings(loaded, variables)).toBeUndefined()
  })
})

describe('files with secrets', () => {
  const FILES = [
    ['secrets.salt_file', ''],
    ['secrets.openbao.token_file', 'secrets.openbao.url = "https://b"'],
    [
      'secrets.hashicorp.secret_id_file',
      'secrets.hashicorp.url = "https://b"\nsecrets.hashicorp.role_id = "r"',
    ],
    ['secrets.pdp.token_file', 'secrets.pdp.url = "https://p"'],
  ] as const

  test.each(FILES)('%s', async (key, lines) => {
    await using home = createTempHome()
    const env = key === 'secrets.salt_file' ? { ...PRODUCTION, TENANT_SALT: '' } : PRODUCTION
    const secret = createCanary().padEnd(40, 'x')
    const outcome = async (path: string): Promise<string> => {
      const faults = await faultsOf(env, `${lines}\n${key} = ${JSON.stringify(path)}`)
      expect(faults.join()).not.toContain(home.path)
      expect(faults.join()).not.toContain(secret)
      return faults.find((fault) => fault.includes(`${key}: `)) ?? 'ok'
    }
    const file = home.write('secret', `${secret}\n`)
    chmodSync(file, 0o600)
    expect(await outcome(file)).toBe('ok')
    chmodSync(file, 0o640)
    expect(await outcome(file)).toContain(`${key}: the file must be a regular file of this user`)
    expect(await outcome(home.file('gone'))).toContain(`${key}: the file cannot be read`)
    expect(await outcome(home.path)).toContain(`${key}: the file must be`)
    const empty = home.write('empty', '')
    chmodSync(empty, 0o600)
    expect(await outcome(empty)).toContain(`${key}: the file is empty`)
  })

  it('certificates are some', async () => {
    await using home = createTempHome()
    const file = home.write('ca.pem', 'no certificate')
    const lines = `secrets.pdp.url = "https://p"\nsecrets.pdp.ca_file = ${JSON.stringify(file)}`
    expect(await faultsOf(PRODUCTION, lines)).toEqual([
      'config.toml:3: secrets.pdp.ca_file: the file is empty, too long or not text',
    ])
  })

  it('a token is one word', async () => {
    await using home = createTempHome()
    const file = home.write('token', 'two words')
    chmodSync(file, 0o600)
    const lines = `secrets.pdp.url = "https://p"\nsecrets.pdp.token_file = ${JSON.stringify(file)}`
    expect(await faultsOf(PRODUCTION, lines)).toEqual([
      'config.toml:3: secrets.pdp.token_file: the file is not one line of printable characters without spaces',
    ])
  })
})

it('repeats no value of a variable, whatever it is', async () => {
  const text = fc.oneof(
    fc.string({ minLength: 8, maxLength: 60, unit: 'binary' }),
    fc.stringMatching(/^[!-~]{8,40}$/),
    fc.constantFrom(
      'http://user:hunter2-pass@example.org',
      'https://a.example.org/x y',
      'x y z w v u',
    ),
  )
  const variables = fc.dictionary(fc.constantFrom(...SECRETS_VARIABLES), text)
  await fc.assert(
    fc.asyncProperty(variables, async (env) => {
      const faults = await faultsOf(env)
      for (const fault of faults) {
        for (const value of Object.values(env)) expect(fault).not.toContain(value)
      }
    }),
  )
})
