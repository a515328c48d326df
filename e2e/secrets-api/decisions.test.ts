/** The cases of the Secrets API in environment B with a decision point elsewhere; the registry permits everything. */
import { afterAll, beforeAll, test } from 'vitest'
import { ENDPOINT_SECRETS } from '../lib/secrets-endpoints.ts'
import { permitEverything } from '../lib/secrets-policies.ts'
import { GUARDED, openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
import { authzenCases } from './authzen-cases.ts'
import { decisionCases } from './decision-cases.ts'

let desk: SecretsDesk
beforeAll(async () => {
  desk = await openSecretsDesk({
    env: {
      ...GUARDED,
      AUTHZEN_TIMEOUT_MS: '1000',
      AUDIT_SAMPLE_CACHE_HIT_N: '5',
      NEGATIVE_CACHE_TTL_S: '2',
      SECRETS_ANTI_REPLAY: 'per-token',
      VAULT_MAX_CONCURRENT_OPERATIONS: '64',
    },
    issuers: [{ name: 'idp' }],
    pdp: true,
  })
  await permitEverything(desk.admin)
  for (const path of ENDPOINT_SECRETS) await desk.kv.write(path, { k: 'v' })
})
afterAll(() => desk?.[Symbol.asyncDispose]())

authzenCases(() => desk)
decisionCases(() => desk)

test('no value and no credential is where it was not told', async () => {
  await desk.expectNoLeak()
})
