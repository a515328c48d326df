/** The cases of the Secrets API in environment B, where the registry alone decides. */
import { afterAll, beforeAll, test } from 'vitest'
import { ENDPOINT_SECRETS } from '../lib/secrets-endpoints.ts'
import { setCasePolicies } from '../lib/secrets-policies.ts'
import { GUARDED, openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
import { callerCases } from './caller-cases.ts'
import { policyCases } from './policy-cases.ts'

let desk: SecretsDesk
beforeAll(async () => {
  desk = await openSecretsDesk({
    env: { ...GUARDED, AUDIT_SAMPLE_CACHE_HIT_N: '1000' },
    issuers: [{ name: 'idp' }, { name: 'org', tenantClaim: 'tenant' }],
    tenants: { other: ['secret'], empty: [] },
    kafka: 'acme',
    secrets: 'clock_skew = 0',
  })
  await setCasePolicies(desk.admin, desk.issuer)
  for (const path of ENDPOINT_SECRETS) await desk.kv.write(path, { k: 'v' })
})
afterAll(() => desk?.[Symbol.asyncDispose]())

callerCases(() => desk)
policyCases(() => desk)

test('K03: no value, no credential and no name of a secret is where it was not told', async () => {
  await desk.expectNoLeak()
})
