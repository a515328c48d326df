/** What is counted (specs: secrets-api §4.7): names and labels are closed, and no label holds what a caller can choose. */
import type { SecretProvider } from '../provider/provider.ts'
import type { SecretProviderName } from '../uri/secret-uri.ts'
import type { FailureReason, RefusedCode } from './refusal.ts'

/** No labels. */
export type NoLabels = { readonly [name: string]: never }

/** Every metric with its labels. */
export interface SecretsMetrics {
  readonly secrets_decisions_total: { readonly effect: 'Permit' | 'Deny' }
  /** Of those who call providers. */
  readonly provider_request_latency_seconds: {
    readonly provider: SecretProviderName
    readonly op: Exclude<keyof SecretProvider, 'name' | 'capabilities'>
  }
  readonly secrets_errors_total: { readonly code: RefusedCode }
  /** Of the enforcement point, until it permits or refuses. */
  readonly pep_latency_ms: { readonly hit: 'grant' | 'first' }
  readonly grant_hit_total: NoLabels
  readonly grant_miss_total: NoLabels
  readonly grant_negative_cache_hit_total: NoLabels
  readonly pdp_latency_ms: NoLabels
  /** Questions without an answer. */
  readonly pdp_error_total: NoLabels
  /** Of those who call providers. */
  readonly provider_circuit_open_total: NoLabels
  /** By what the denial is about: names of policies have no end. */
  readonly secret_denies_total: { readonly policy: FailureReason }
  /** Tokens and proofs that came again. */
  readonly anti_replay_total: NoLabels
  readonly tenant_mount_violation_total: NoLabels
}

/** Name of a metric. */
export type SecretsMetricName = keyof SecretsMetrics

/** What a metric is. */
export interface SecretsMetricKind {
  readonly type: 'counter' | 'histogram'
  readonly labels: readonly string[]
}

const counter = (...labels: string[]): SecretsMetricKind =>
  Object.freeze({ type: 'counter', labels: Object.freeze(labels) })
const histogram = (...labels: string[]): SecretsMetricKind =>
  Object.freeze({ type: 'histogram', labels: Object.freeze(labels) })

/** Every metric, for whoever registers them. */
export const SECRETS_METRICS: Readonly<Record<SecretsMetricName, SecretsMetricKind>> =
  Object.freeze({
    secrets_decisions_total: counter('effect'),
    provider_request_latency_seconds: histogram('provider', 'op'),
    secrets_errors_total: counter('code'),
    pep_latency_ms: histogram('hit'),
    grant_hit_total: counter(),
    grant_miss_total: counter(),
    grant_negative_cache_hit_total: counter(),
    pdp_latency_ms: histogram(),
    pdp_error_total: counter(),
    provider_circuit_open_total: counter(),
    secret_denies_total: counter('policy'),
    anti_replay_total: counter(),
    tenant_mount_violation_total: counter(),
  })

/** Takes what is counted; called synchronously, and what it throws is ignored. */
export interface EnforcementObserver {
  /** @param value - to be added to a counter, or observed */
  record<Name extends SecretsMetricName>(
    name: Name,
    labels: SecretsMetrics[Name],
    value: number,
  ): void
}

/** Records, if anybody wants to know. */
export class Meter {
  readonly #observer: EnforcementObserver | undefined

  constructor(observer: EnforcementObserver | undefined) {
    this.#observer = observer
  }

  record<Name extends SecretsMetricName>(
    name: Name,
    labels: SecretsMetrics[Name],
    value: number,
  ): void {
    try {
      this.#observer?.record(name, labels, value)
    } catch {}
  }

  count<Name extends SecretsMetricName>(name: Name, labels: SecretsMetrics[Name]): void {
    this.record(name, labels, 1)
  }
}
