/** How the Secrets API is set up, once everything has been read and nothing in it contradicts itself (specs: secrets-api §6). */

/** One server of KV version 2. */
export interface Kv2Settings {
  /** `https:`; `http:` in development alone. */
  readonly url: string
  readonly auth: Kv2Login
  readonly namespace: string | undefined
  /** Certificates that it is checked against, PEM; default those of the system. */
  readonly ca: string | undefined
  readonly verifyTls: boolean
  /** Of one call, whatever it takes. */
  readonly timeoutMs: number
  readonly poolSize: number
  readonly maxConcurrent: number
  readonly renewalThresholdSeconds: number
  /** `host` or `host:port`; empty: none but its own. */
  readonly redirectHosts: readonly string[]
}

/** What it is logged in to with; a token wins. */
export type Kv2Login =
  | { readonly token: string }
  | { readonly roleId: string; readonly secretId: string }

/** A decision point elsewhere, which may only restrict. */
export interface PdpSettings {
  /** Base, without a path behind it. */
  readonly url: string
  readonly token: string | undefined
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/** Who issues tokens that are believed. */
export interface IssuerSettings {
  /** `iss`, exactly. */
  readonly issuer: string
  /** Name that subjects of it have: `auth:account:<name>:<sub>`. */
  readonly name: string
  readonly keys: { readonly url: string } | { readonly file: string }
  /** Certificates that the server of the keys is checked against, PEM. */
  readonly ca: string | undefined
  /** Claim that names the tenant; undefined: everybody is of the one tenant. */
  readonly tenantClaim: string | undefined
}

/** How callers show who they are, behind proxies or not. */
export type InboundAuthMode =
  | 'bearer'
  | 'mtls'
  | 'bearer_plus_mtls_optional'
  | 'bearer_plus_mtls_required'

/** Everything. */
export interface SecretsApiSettings {
  /** `ENVIRONMENT`; `prod` where it is not set. */
  readonly environment: string
  /** `dev` or `test`. */
  readonly isDevelopment: boolean
  readonly requireAuth: boolean
  readonly enforceScopes: boolean
  readonly authorization: boolean
  readonly audience: string
  readonly inboundAuthMode: InboundAuthMode
  /** Seconds that clocks of issuers and clients may be off. */
  readonly clockSkewSeconds: number
  readonly issuers: readonly IssuerSettings[]
  /** The tenant of whoever has none. */
  readonly tenant: string
  /** Mounts by tenant; of a tenant that is not in it, none. */
  readonly mounts: ReadonlyMap<string, ReadonlySet<string>>
  /** Undefined: a random one, for this process alone. */
  readonly salt: string | undefined
  readonly legacyUris: boolean
  readonly grants: { readonly ttlSeconds: number; readonly maxUses: number }
  /** Of one subject. */
  readonly requestLimit: { readonly perSecond: number; readonly burst: number }
  readonly negativeCacheSeconds: number
  readonly antiReplay: {
    readonly mode: 'per-resource' | 'per-token' | 'off'
    readonly ttlSeconds: number
  }
  readonly yamlPath: string | undefined
  readonly openbao: Kv2Settings | undefined
  readonly hashicorp: Kv2Settings | undefined
  readonly pdp: PdpSettings | undefined
  /** One of so many reads on a live grant is published. */
  readonly sampleCacheHits: number
  /** `best_effort`: the sinks may lose what they are not sent in time; never the log. */
  readonly auditMode: 'best_effort' | 'spool' | 'required'
  readonly auditBufferSize: number
  readonly devEndpoints: boolean
}
