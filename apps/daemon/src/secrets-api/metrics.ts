/** Figures of the Secrets API, by the names that its documentation gives them (specs: secrets-api §4.7). */
import type { Metrics } from '@secreg/host'
import {
  type EnforcementObserver,
  SECRETS_METRICS,
  type SecretsMetricName,
} from '@secreg/secrets-api/enforcement'

const HELP: Readonly<Record<SecretsMetricName, string>> = {
  secrets_decisions_total: 'Decisions about secrets',
  provider_request_latency_seconds: 'Time of calls of providers of secrets',
  secrets_errors_total: 'Requests of the Secrets API that failed or were refused',
  pep_latency_ms: 'Time until a request was permitted or refused, milliseconds',
  grant_hit_total: 'Reads on a live grant',
  grant_miss_total: 'Reads that needed a decision',
  grant_negative_cache_hit_total: 'Reads refused by a denial of a moment ago',
  pdp_latency_ms: 'Time of decisions, milliseconds',
  pdp_error_total: 'Questions that no decision was got for',
  provider_circuit_open_total: 'Times that calls of a provider were given up for a while',
  secret_denies_total: 'Denials, by what they are about',
  anti_replay_total: 'Tokens and proofs that came again',
  tenant_mount_violation_total: 'Requests for mounts that the tenant has not',
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const MILLISECONDS = SECONDS.map((bound) => bound * 1000)

/** Register all of them, and take what is counted. */
export function secretsObserver({ unprefixed }: Metrics): EnforcementObserver {
  const record = new Map<string, (labels: Record<string, string>, value: number) => void>()
  for (const name of Object.keys(SECRETS_METRICS) as SecretsMetricName[]) {
    const { type, labels } = SECRETS_METRICS[name]
    if (type === 'counter') {
      const counter = unprefixed.counter(name, HELP[name], labels)
      record.set(name, (said, value) => counter.inc(said, value))
    } else {
      const buckets = name.endsWith('_ms') ? MILLISECONDS : SECONDS
      const histogram = unprefixed.histogram(name, HELP[name], buckets, labels)
      record.set(name, (said, value) => histogram.observe(said, value))
    }
  }
  return { record: (name, labels, value) => record.get(name)?.(labels, value) }
}
