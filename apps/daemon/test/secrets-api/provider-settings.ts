/** Settings of the Secrets API for tests of its providers. */
import type { Kv2Settings, SecretsApiSettings } from '../../src/secrets-api/settings.ts'

/** Of one server. */
export function serverSettings(
  url: string,
  auth: Kv2Settings['auth'],
  more: Partial<Kv2Settings> = {},
): Kv2Settings {
  return {
    url,
    auth,
    namespace: undefined,
    ca: undefined,
    verifyTls: true,
    timeoutMs: 30_000,
    poolSize: 10,
    maxConcurrent: 50,
    renewalThresholdSeconds: 0,
    redirectHosts: [],
    ...more,
  }
}

/** Of everything; of a development unless told otherwise. */
export function apiSettings(more: Partial<SecretsApiSettings> = {}): SecretsApiSettings {
  return {
    environment: 'dev',
    isDevelopment: true,
    requireAuth: true,
    enforceScopes: true,
    authorization: true,
    audience: 'crud.secrets',
    inboundAuthMode: 'bearer',
    clockSkewSeconds: 60,
    issuers: [],
    tenant: 'acme',
    mounts: new Map([['acme', new Set(['secret'])]]),
    salt: undefined,
    legacyUris: false,
    grants: { ttlSeconds: 300, maxUses: 1 },
    requestLimit: { perSecond: 50, burst: 100 },
    negativeCacheSeconds: 5,
    antiReplay: { mode: 'per-resource', ttlSeconds: 300 },
    yamlPath: undefined,
    openbao: undefined,
    hashicorp: undefined,
    pdp: undefined,
    sampleCacheHits: 1,
    auditMode: 'spool',
    auditBufferSize: 1000,
    devEndpoints: true,
    ...more,
  }
}
