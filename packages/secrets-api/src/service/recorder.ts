/** From an operation that has ended to its record, before anybody is answered (specs: secrets-api §4). */
import {
  type AuditedOperation,
  type AuditedOutcome,
  auditEvents,
  auditedResource,
} from '../enforcement/audit-envelope.ts'
import { AuditSampler } from '../enforcement/audit-sampler.ts'
import type { SecretPrefix, SecretUri } from '../uri/secret-uri.ts'
import type { EventRing } from './event-ring.ts'
import type { SecretsServiceOptions } from './service.ts'

/** It could not be recorded. */
export class AuditUnavailable extends Error {
  override readonly name: string = 'AuditUnavailable'
}

/** An operation that has ended. */
export interface Ended extends Pick<AuditedOperation, 'caller' | 'operation' | 'operationId'> {
  readonly places: readonly (SecretUri | SecretPrefix)[]
  readonly outcome: AuditedOutcome
  /** It succeeded, but what was written first could not be stamped with its owner. */
  readonly unstamped?: boolean | undefined
}

/** What a recorder works with. */
export type RecorderOptions = Pick<
  SecretsServiceOptions,
  | 'audit'
  | 'references'
  | 'ephemeralReferences'
  | 'sampleCacheHits'
  | 'service'
  | 'timeMs'
  | 'newId'
>

/** Records operations. */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #sampler: AuditSampler
  readonly #ring: EventRing

  constructor(options: RecorderOptions, ring: EventRing) {
    this.#options = options
    this.#sampler = new AuditSampler(options.sampleCacheHits)
    this.#ring = ring
  }

  /** @throws AuditUnavailable */
  assertReady(): void {
    try {
      this.#options.audit.assertReady()
    } catch (cause) {
      throw new AuditUnavailable('not ready', { cause })
    }
  }

  /** Record; those who follow see it only then. @throws AuditUnavailable */
  async record({ places, unstamped, ...ended }: Ended): Promise<void> {
    const { audit, references } = this.#options
    const resources = await Promise.all(places.map((place) => auditedResource(place, references)))
    const operation: AuditedOperation = { ...ended, resources }
    const events = this.#eventsOf(operation, unstamped === true)
    const canonicals = places.map(({ canonical }) => canonical)
    try {
      await audit.record(operation, canonicals, events)
    } catch (cause) {
      throw new AuditUnavailable('not recorded', { cause })
    }
    this.#ring.add(operation.caller.tenant, events)
  }

  #eventsOf(operation: AuditedOperation, unstamped: boolean) {
    const { service, timeMs, newId, ephemeralReferences } = this.#options
    const options = { service, timeMs: timeMs(), newId, ephemeralReferences }
    const events = [...auditEvents(operation, options)]
    if (unstamped) {
      // What names the owner of the secret that was written, the last of them (specs: secrets-api §5.4).
      const resources = operation.resources.slice(-1)
      const outcome = { kind: 'failed', permits: [], code: 'PROVIDER_ERROR' } as const
      events.push(...auditEvents({ ...operation, operation: 'owner', resources, outcome }, options))
    }
    return events.flatMap((event) => this.#sampler.sample(event) ?? [])
  }
}
