/** The parts of one Secrets API, put together as its settings have it. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Caller } from '@secreg/protocol'
import { openSecretReferences } from '@secreg/secrets-api'
import {
  authzenDecisions,
  createEnforcement,
  type DecisionPort,
  type EnforcementObserver,
  purposesOf,
  restrictDecisions,
} from '@secreg/secrets-api/enforcement'
import {
  createSecretsService,
  type SecretsAuditPort,
  type SecretsService,
} from '@secreg/secrets-api/service'
import type { Egress } from '../egress/egress-process.ts'
import type { RegistryHost } from '../registry-host.ts'
import { fetchJson } from './fetch-json.ts'
import { type Authenticator, createAuthenticator } from './identity/authenticator.ts'
import type { KeysFault } from './identity/key-source.ts'
import { localDecisions } from './local-decisions.ts'
import { pdpPort } from './pdp-port.ts'
import { createProviders } from './providers.ts'
import type { SecretsApiSettings } from './settings.ts'

export interface AssembleOptions {
  readonly settings: SecretsApiSettings
  readonly host: Pick<RegistryHost, 'registry'>
  readonly egress: Pick<Egress, 'call'>
  readonly audit: SecretsAuditPort
  readonly observer: EnforcementObserver
  readonly onFault: (error: unknown) => void
  /** Why keys of an issuer cannot be had, and undefined when they can again. */
  readonly onKeys: (issuer: string, fault: KeysFault | undefined) => void
}

/** What requests go through. */
export interface Assembled {
  readonly authenticator: Authenticator
  readonly service: SecretsService
  /** End all grants: what was decided may be decided otherwise now. */
  endGrants(): void
  /** End what is under way at providers. */
  close(): Promise<void>
}

/** Time for decisions, and for what providers know about a secret, milliseconds. */
const DECISION_MS = 2000
/** Of a salt that is for this process alone. */
const SALT_BYTES = 32
const NO_MOUNTS: ReadonlySet<string> = new Set()

/** @throws RangeError, TypeError for settings that are none; no message has a secret of them */
export async function assemble(options: AssembleOptions): Promise<Assembled> {
  const { settings, host, egress, observer, onFault } = options
  const { environment, isDevelopment, mounts, pdp, salt } = settings
  const nowMs = () => performance.now()
  const timeMs = () => Date.now()
  const providers = createProviders(settings, {
    egress,
    registryOf: (principal, permitted) =>
      host.registry.foreign.partsOf(principal as Caller, permitted),
    onCircuitOpen: () => observer.record('provider_circuit_open_total', {}, 1),
  })
  const deadlineMs = Math.max(DECISION_MS, pdp?.timeoutMs ?? 0)
  const enforcement = createEnforcement({
    decisions: settings.authorization ? decisionsOf(options) : 'disabled',
    allowedMounts: (tenant) => mounts.get(tenant) ?? NO_MOUNTS,
    environment,
    providerOf: (name, principal) => providers.providerOf(name, principal),
    requireAuth: settings.requireAuth,
    enforceScopes: settings.enforceScopes,
    audience: settings.audience,
    grants: { ...settings.grants, negativeTtlSeconds: settings.negativeCacheSeconds },
    antiReplay: settings.antiReplay,
    requestLimit: settings.requestLimit,
    observer,
    nowMs,
    timeMs,
    newId: randomUUID,
    newDeadline: () => AbortSignal.timeout(deadlineMs),
  })
  const service = createSecretsService({
    enforcement,
    providersOf: ({ principal }, operation) => {
      // Where nobody has decided, the registry does.
      const permitted = settings.authorization ? purposesOf(operation) : undefined
      return (name) => providers.providerOf(name, principal, permitted)
    },
    audit: options.audit,
    references: await openSecretReferences(salt ?? randomBytes(SALT_BYTES)),
    ephemeralReferences: salt === undefined,
    legacy: settings.legacyUris,
    searchMounts: (tenant) => {
      return settings.yamlPath === undefined ? NO_MOUNTS : (mounts.get(tenant) ?? NO_MOUNTS)
    },
    devEndpoints: settings.devEndpoints,
    ringSize: settings.auditBufferSize,
    sampleCacheHits: settings.sampleCacheHits,
    service: 'secregd',
    observer,
    onFault,
    nowMs,
    timeMs,
    newId: randomUUID,
  })
  const authenticator = createAuthenticator({
    settings,
    fetchKeys: ({ ca, keys }) => {
      if (!('url' in keys)) throw new TypeError('keys: expected a URL')
      return fetchJson(keys.url, { egress, ca, allowPlainHttp: isDevelopment })
    },
    tellKeys: options.onKeys,
    nowMs,
    timeMs,
    newId: randomUUID,
  })
  return {
    authenticator,
    service,
    endGrants: () => enforcement.endGrants(),
    close: () => providers.close(),
  }
}

/** By the policies here, and by whoever decides elsewhere, who may only restrict. */
function decisionsOf({ settings, host, egress }: AssembleOptions): DecisionPort {
  const local = localDecisions(() => host.registry.foreign)
  if (settings.pdp === undefined) return local
  const port = pdpPort(settings.pdp, egress, { allowPlainHttp: settings.isDevelopment })
  return restrictDecisions(authzenDecisions(port), local)
}
