/** What a configuration file says of the Secrets API, checked key by key. */

/** How callers of the Secrets API show who they are. */
export type SecretsAuthMode =
  | 'bearer'
  | 'mtls'
  | 'bearer_plus_mtls_optional'
  | 'bearer_plus_mtls_required'

/** One server of KV version 2; all secrets of it are in files. */
export interface ConfigKv2 {
  /** Undefined: there is none. */
  readonly url: string | undefined
  readonly tokenFile: string | undefined
  readonly roleId: string | undefined
  readonly secretIdFile: string | undefined
  readonly namespace: string | undefined
  readonly caFile: string | undefined
  readonly verifyTls: boolean
  readonly timeoutSeconds: number
  readonly poolSize: number
  readonly maxConcurrent: number
  readonly renewalThresholdSeconds: number
  /** `HOST` or `HOST:PORT` each; empty: its own. */
  readonly redirectHosts: readonly string[]
}

/** A tenant of the Secrets API. */
export interface ConfigTenant {
  readonly allowedMounts: readonly string[]
}

/** Who issues tokens that the Secrets API believes. */
export interface ConfigIssuer {
  /** `iss`, exactly. */
  readonly issuer: string | undefined
  readonly jwksUrl: string | undefined
  readonly jwksFile: string | undefined
  /** Undefined: everybody is of the one tenant. */
  readonly tenantClaim: string | undefined
  readonly caFile: string | undefined
}

/** The keys of the Secrets API that have one place each. Undefined switches go by the environment. */
export interface ConfigSecretsKeys {
  readonly enabled: boolean
  readonly environment: string
  readonly requireAuth: boolean | undefined
  readonly enforceScopes: boolean | undefined
  readonly authorization: boolean | undefined
  readonly audience: string
  readonly inboundAuthMode: SecretsAuthMode
  readonly clockSkewSeconds: number
  readonly tenantId: string | undefined
  /** Of the tenant above. */
  readonly allowedMounts: readonly string[]
  readonly saltFile: string | undefined
  readonly acceptLegacyUris: boolean
  readonly grantTtlSeconds: number
  readonly grantMaxUses: number
  readonly ratePerSecond: number
  readonly rateBurst: number
  readonly negativeCacheSeconds: number
  readonly antiReplay: 'per-resource' | 'per-token' | 'off'
  readonly antiReplayTtlSeconds: number
  readonly yamlPath: string | undefined
  readonly auditSample: number
  readonly auditMode: 'best_effort' | 'spool' | 'required'
  readonly auditBuffer: number
  readonly devEndpoints: boolean | undefined
}

/** A decision point elsewhere. */
export interface ConfigPdp {
  /** Undefined: there is none. */
  readonly url: string | undefined
  readonly tokenFile: string | undefined
  readonly caFile: string | undefined
  readonly timeoutMs: number
}

/** The Secrets API. */
export interface ConfigSecrets extends ConfigSecretsKeys {
  readonly openbao: ConfigKv2
  readonly hashicorp: ConfigKv2
  readonly pdp: ConfigPdp
  /** Beside the one of `tenantId`, by their names. */
  readonly tenants: ReadonlyMap<string, ConfigTenant>
  /** By their names. */
  readonly issuers: ReadonlyMap<string, ConfigIssuer>
}
