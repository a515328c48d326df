/** The cases of the Secrets API in environment B with a decision point elsewhere; the registry permits everything. */
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('what is decided is counted', async () => {
  const uri = 'openbao+kv2://elsewhere/a#b'
  await desk.caller.value(uri, desk.issuer.token('counted'))
  for (const [name, labels] of [
    ['secrets_decisions_total', 'effect="Permit"'],
    ['secrets_decisions_total', 'effect="Deny"'],
    ['provider_request_latency_seconds_count', 'provider="openbao",op="read"'],
    ['secrets_errors_total', 'code="PDP_UNAVAILABLE"'],
    ['pep_latency_ms_count', 'hit="grant"'],
    ['pep_latency_ms_count', 'hit="first"'],
    ['grant_hit_total', ''],
    ['grant_miss_total', ''],
    ['grant_negative_cache_hit_total', ''],
    ['pdp_latency_ms_count', ''],
    ['pdp_error_total', ''],
    ['secret_denies_total', 'policy="policy"'],
    ['anti_replay_total', ''],
    ['tenant_mount_violation_total', ''],
  ] as const) {
    expect(await desk.metric(name, labels), `${name}{${labels}}`).toBeGreaterThan(0)
  }
})

test('no value and no credential is where it was not told', async () => {
  await desk.expectNoLeak()
})
