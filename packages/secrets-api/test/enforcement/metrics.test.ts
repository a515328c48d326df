import {
  ENFORCEMENT_REFUSALS,
  FAILURE_REASONS,
  SECRETS_METRICS,
  type SecretsMetricName,
} from '@secreg/secrets-api/enforcement'
import { expect, test } from 'vitest'
import { ROW_LIST } from './operations.ts'
import { bench, DENY, kv, permitWith, Recorder } from './support.ts'

test('the names are those of the specification', () => {
  const named = Object.entries(SECRETS_METRICS).map(([name, { labels }]) =>
    labels.length === 0 ? name : `${name}{${labels.join(',')}}`,
  )
  expect(named.sort()).toEqual(
    [
      'secrets_decisions_total{effect}',
      'provider_request_latency_seconds{provider,op}',
      'secrets_errors_total{code}',
      'pep_latency_ms{hit}',
      'grant_hit_total',
      'grant_miss_total',
      'grant_negative_cache_hit_total',
      'pdp_latency_ms',
      'pdp_error_total',
      'provider_circuit_open_total',
      'secret_denies_total{policy}',
      'anti_replay_total',
      'tenant_mount_violation_total',
    ].sort(),
  )
})

test('labels are declared, and hold nothing that a caller chooses', async () => {
  const seen: [SecretsMetricName, Record<string, string>, number][] = []
  const { enforce, use } = bench(
    { observer: { record: (name, labels, value) => seen.push([name, { ...labels }, value]) } },
    new Recorder(({ purpose }) => (purpose === 'rotate' ? DENY : permitWith({ maxUses: 2 }))),
  )
  for (const [, { request }] of ROW_LIST) await enforce(request)
  await use(kv('app/api'), { tenant: 'canary-tenant' })
  await use(kv('canary'), { subject: 'canary-subject', tokenId: 'canary-token' })
  await use(kv('app/api'))
  for (const [name, labels, value] of seen) {
    expect(Object.keys(labels)).toEqual(SECRETS_METRICS[name].labels)
    expect(JSON.stringify(labels)).not.toMatch(/canary|secret\/|app/)
    expect(value).toBeGreaterThanOrEqual(0)
  }
  const names = new Set(seen.map(([name]) => name))
  for (const name of [
    'pep_latency_ms',
    'pdp_latency_ms',
    'grant_hit_total',
    'secret_denies_total',
  ] as const) {
    expect(names).toContain(name)
  }
  expect(seen).toContainEqual(['pep_latency_ms', { hit: 'grant' }, 0])
})

test('refusals and failures have texts without names', () => {
  for (const { status, text } of Object.values(ENFORCEMENT_REFUSALS)) {
    expect(status).toBeGreaterThanOrEqual(401)
    expect(text).toMatch(/^[a-z ;]+$/)
  }
  expect(new Set(Object.values(FAILURE_REASONS))).toEqual(
    new Set(['policy', 'unavailable', 'binding', 'audience', 'replay', 'obligation']),
  )
})
