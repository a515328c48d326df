/**
 * The Secrets API in production, environment C: what the daemon does not start with, and what is off. Then the cases of
 * environment A that need another environment, by the same registry started again.
 */
import { readFileSync, statSync } from 'node:fs'
import {
  CertificateMaker,
  cleanEnv,
  createCanary,
  createTempHome,
  type SkippableContext,
} from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import { setCasePolicies } from '../lib/secrets-policies.ts'
import {
  type Environment,
  GUARDED,
  OPEN,
  openSecretsDesk,
  SALT,
  type SecretsDesk,
} from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'
import { Site } from '../lib/site.ts'

const PROD: Environment = {
  ...GUARDED,
  ENVIRONMENT: 'prod',
  SECRETS_DEV_ENDPOINTS: undefined,
  SECRET_URI_ACCEPT_LEGACY: 'true',
}

/** Environment A with one server of two, and URIs as they were. */
function developing({ standIn }: SecretsDesk): Environment {
  return {
    ...OPEN,
    SECRET_URI_ACCEPT_LEGACY: 'true',
    VAULT_URL: undefined,
    VAULT_TOKEN: undefined,
    OPENBAO_URL: standIn.url,
    OPENBAO_TOKEN: standIn.rootToken,
  }
}

const TEST = 'openbao+kv2://secret/app/test#value'
const LEGACY = 'openbao+kv2://secret//app/test/#value'

let desk: SecretsDesk | undefined
let pki: ReturnType<typeof createTempHome>
beforeAll(() => {
  pki = createTempHome()
})
afterAll(async () => {
  await desk?.[Symbol.asyncDispose]()
  pki.remove()
})

/** A server with TLS, as production demands it; the test is skipped where no certificates can be made. */
async function open(context: SkippableContext): Promise<SecretsDesk> {
  if (desk !== undefined) return desk
  const maker = CertificateMaker.in(pki, context)
  const authority = await maker.make('authority', { authority: true })
  const server = await maker.make('kv', { issuer: authority, usage: 'serverAuth' })
  const pem = (path: string): string => readFileSync(path, 'utf8')
  const tls = { key: pem(server.key), cert: pem(server.cert), ca: pem(authority.cert) }
  desk = await openSecretsDesk({
    env: PROD,
    issuers: [{ name: 'idp', file: true }],
    tls,
    limited: true,
  })
  await setCasePolicies(desk.admin, desk.issuer)
  return desk
}

describe('A25: does not start', () => {
  const salts = [createCanary('salt'), createCanary('salt')] as const
  const url = 'https://127.0.0.1:9'
  const started: Environment = { ...PROD, VAULT_URL: url, VAULT_TOKEN: createCanary('token') }
  const refused: readonly (readonly [variable: RegExp, env: Environment])[] = [
    [/ENABLE_AUTHORIZATION/, { ENABLE_AUTHORIZATION: 'false' }],
    [/SECRETS_API_REQUIRE_AUTH/, { SECRETS_API_REQUIRE_AUTH: 'maybe' }],
    [/TENANT_SALT/, { TENANT_SALT: undefined }],
    [
      /SECRET_TENANT_SALT/,
      { TENANT_SALT: `${salts[0]}${SALT}`, SECRET_TENANT_SALT: `${salts[1]}${SALT}` },
    ],
    [/VAULT_VERIFY_SSL/, { VAULT_VERIFY_SSL: 'false' }],
  ]

  /** What it says instead. */
  async function refusalOf(env: Environment): Promise<string> {
    await using site = new Site({ config: '[secrets]\nenabled = true' })
    const daemon = site.launch({ env: cleanEnv({ ...started, ...env }) })
    const { code } = await daemon.exit
    const said = `${daemon.stdout()}${daemon.stderr()}`
    expect(code, said).not.toBe(0)
    return said
  }

  test.each(refused)('with %s as it must not be', async (variable, env) => {
    const said = await refusalOf(env)
    expect(said).toMatch(variable)
    for (const secret of [...salts, SALT, String(started['VAULT_TOKEN'])]) {
      expect(said).not.toContain(secret)
    }
  })

  test('with several as they must not be, and says so of each', async () => {
    const wrong = {
      TENANT_SALT: 'short',
      VAULT_URL: 'http://127.0.0.1:9',
      TENANT_ID: undefined,
      SECRETS_AUDIT_MODE: 'best_effort',
    }
    const said = await refusalOf(wrong)
    for (const variable of Object.keys(wrong)) expect(said).toContain(variable)
  })
})

test('one subject may ask a hundred times at once, and others do not wait for him', async (context) => {
  const { caller, issuer } = await open(context)
  const ask = (sub: string) => caller.value('secreg://none/a#b', issuer.token(sub))
  const replies = await Promise.all(Array.from({ length: 300 }, () => ask('greedy')))
  const refused = replies.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  // Fifty more a second come to be allowed while they are answered.
  expect(refused.length).toBeLessThanOrEqual(200)
  for (const reply of refused) {
    expectCode(reply, 429, 'RATE_LIMITED')
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  }
  expectCode(await ask('other'), 400, 'TENANT_MOUNT_MISMATCH')
})

describe('where ENVIRONMENT is prod', () => production(PROD))
describe('A26: where ENVIRONMENT is not set', () => {
  production({ ...PROD, ENVIRONMENT: undefined })
})

function production(env: Environment): void {
  test('secrets of a server with TLS are told to whom they may be', async (context) => {
    const { caller, issuer } = await open(context)
    if (env !== PROD) await desk?.restart(env)
    expectReply(await caller.value(TEST, issuer.token('bob')), 200, { value: 'two' })
    expectCode(await caller.value(TEST), 401, 'UNAUTHENTICATED')
  })

  test('W15: YAML is not written to', async (context) => {
    const { caller, issuer, yamlFile } = await open(context)
    const before = readFileSync(yamlFile, 'utf8')
    const uri = 'yaml://secret/env#FROM'
    const forbidden = [
      await caller.write(uri, 'x', issuer.token('bob')),
      await caller.ask('DELETE', '', { query: { uri }, token: issuer.token('bob') }),
      await caller.ask('POST', '/rotate', {
        body: { uri, value: 'x' },
        token: issuer.token('bob'),
      }),
      await caller.ask('POST', '/copy', {
        body: { fromUri: TEST, toUri: uri },
        token: issuer.token('bob'),
      }),
    ]
    for (const reply of forbidden) expectCode(reply, 403, 'YAML_WRITE_FORBIDDEN')
    expectCode(await caller.value(uri, issuer.token('bob')), 501, 'PROVIDER_NOT_CONFIGURED')
    expect(readFileSync(yamlFile, 'utf8')).toBe(before)
  })

  test('U31: URIs are as strict as ever', async (context) => {
    const { caller, issuer } = await open(context)
    expectCode(await caller.value(LEGACY, issuer.token('bob')), 400, 'ILLEGAL_SEGMENT')
  })

  test('K12: what has happened is told to nobody', async (context) => {
    const { caller, issuer, http } = await open(context)
    const token = issuer.token('bob')
    expectCode(await caller.ask('GET', '/audit', { token }), 404, 'NOT_FOUND')
    using stream = await SecretsStream.open(http, { token: issuer.token('bob') })
    expect(stream.status).toBe(404)
  })
}

describe('in development', () => {
  test('U31: slashes may be too many', async (context) => {
    const opened = await open(context)
    const { caller } = opened
    await opened.restart(developing(opened))
    expectReply(await caller.value(LEGACY), 200, { uri: TEST, value: 'two' })
    expectCode(await caller.value('hashicorp+kv2://secret/app/../x'), 400, 'ILLEGAL_SEGMENT')
  })

  test('R16: a server that is not named is none', async (context) => {
    const { caller } = await open(context)
    const uri = 'hashicorp+kv2://secret/payments/stripe#api_key'
    expectCode(await caller.value(uri), 501, 'PROVIDER_NOT_CONFIGURED')
  })

  test('W16: whatever has been written is there after a kill, and the file is whole', async (context) => {
    const opened = await open(context)
    const { caller, yamlFile, running } = opened
    const written: number[] = []
    for (let at = 0; ; at++) {
      const uri = `yaml://secret/crash/at#K${at}`
      const reply = await caller.write(uri, `${at}`).catch(() => undefined)
      if (reply?.status !== 200) break
      // The next one is under way by then, or is not.
      if (written.push(at) === 10) running.site.children.at(-1)?.signal('SIGKILL')
    }
    expect(written.length).toBeGreaterThanOrEqual(10)
    expect(statSync(yamlFile).mode & 0o777).toBe(0o600)
    await opened.restart(developing(opened), 'SIGKILL')
    const { json } = await caller.ask('GET', '', { query: { uri: 'yaml://secret/crash/at' } })
    expect(json).toMatchObject(Object.fromEntries(written.map((at) => [`K${at}`, `${at}`])))
    const { json: seeded } = await caller.ask('GET', '', { query: { uri: 'yaml://secret/env' } })
    expect(seeded).toEqual({ MY_API_KEY: 'abc123', FROM: 'src-val' })
    expectReply(await caller.write('yaml://secret/crash/at#AFTER', 'x'), 200)
  })

  test('no value and no credential is where it was not told', async (context) => {
    const opened = await open(context)
    await opened.expectNoLeak()
  })
})
