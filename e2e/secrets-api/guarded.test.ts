/** The cases of the Secrets API in environment B, where the registry alone decides. */
import { waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import { ENDPOINT_SECRETS } from '../lib/secrets-endpoints.ts'
import { setCasePolicies } from '../lib/secrets-policies.ts'
import { GUARDED, openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'
import { callerCases } from './caller-cases.ts'
import { certificateCases, PROXY } from './certificate-cases.ts'
import { policyCases } from './policy-cases.ts'

const MODE = 'bearer_plus_mtls_optional'

let desk: SecretsDesk
beforeAll(async () => {
  desk = await openSecretsDesk({
    env: { ...GUARDED, AUDIT_SAMPLE_CACHE_HIT_N: '1000', INBOUND_AUTH_MODE: MODE },
    issuers: [{ name: 'idp' }, { name: 'org', tenantClaim: 'tenant' }],
    tenants: { other: ['secret'], empty: [] },
    kafka: 'acme',
    secrets: 'clock_skew = 0',
    http: `certificate_proxies = ["${PROXY}"]`,
  })
  await setCasePolicies(desk.admin, desk.issuer)
  for (const path of ENDPOINT_SECRETS) await desk.kv.write(path, { k: 'v' })
})
afterAll(() => desk?.[Symbol.asyncDispose]())

callerCases(() => desk)
certificateCases(() => desk)
policyCases(() => desk)

test('K03: no value, no credential and no name of a secret is where it was not told', async () => {
  await desk.expectNoLeak()
})

test('while the registry is sealed nothing is told, and streams end', async () => {
  const { caller, issuer, running } = desk
  const { site } = running
  const uri = 'openbao+kv2://secret/app/test#value'
  using stream = await SecretsStream.open(desk.http, { token: issuer.token('bob') })
  expect(stream.status).toBe(200)
  const { mark } = desk.kv
  await desk.admin.ok('seal', { op: 'lock' })
  for (const token of [issuer.token('bob'), undefined]) {
    const reply = expectCode(await caller.value(uri, token), 503, 'UNAVAILABLE')
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(desk.kv.requests(mark)).toEqual([])
  await waitFor(() => stream.ended, { timeoutMs: 20_000 })
  using _admin = await site.unlock()
  expectReply(await caller.value(uri, issuer.token('bob')), 200, { value: 'two' })
})
