/**
 * Keys of the Secrets API: `[secrets]`, its servers below it, and tenants and issuers by their names. What one says about
 * another is left to the daemon, which also reads the environment and the files that are named here.
 */
import * as z from 'zod'
import { type NamedTables, namedTables } from './config-named-tables.ts'
import {
  type ConfigKey,
  type ConfigRow,
  flag,
  flagOrAuto,
  integer,
  list,
  oneOf,
  optional,
  PATH,
  type TextRule,
  text,
} from './config-row.ts'
import type { ConfigIssuer, ConfigKv2, ConfigTenant } from './config-secrets-values.ts'
import type { ConfigSections } from './config-values.ts'

type Rows<S extends keyof ConfigSections> = {
  readonly [F in keyof ConfigSections[S]]-?: ConfigRow<ConfigSections[S][F]>
}

const DAY = 86_400

const printable = (most: number): TextRule<string> => ({
  expected: `1 to ${most} printable characters without spaces`,
  schema: z.string().regex(new RegExp(`^[!-~]{1,${most}}$`)),
})
const NAME: TextRule<string> = {
  expected: '1 to 64 letters, digits, ".", "_" and "-"',
  schema: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
}
// Names in secret URIs (specs: secrets-api §1.2).
const MOUNT: TextRule<string> = {
  expected: 'names of mounts, of letters, digits, ".", "_" and "-"',
  schema: z.string().regex(/^(?!\.$)(?!.*\.\.)[A-Za-z0-9._-]{1,128}$/),
}
const REDIRECT_HOST: TextRule<string> = {
  expected: '"HOST" or "HOST:PORT"',
  schema: z.string().refine((value) => {
    const named = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/.test(value)
    return named && URL.canParse(`https://${value}`)
  }),
}

function isAddress(value: string, query: boolean): boolean {
  if (value.length > 2048 || !/^https?:\/\/[!-[\]-~]+$/.test(value) || !URL.canParse(value))
    return false
  const { username, password } = new URL(value)
  return (
    username === '' && password === '' && !value.includes('#') && (query || !value.includes('?'))
  )
}
const BASE_URL: TextRule<string> = {
  expected: '"https://HOST" or "https://HOST:PORT", with a path behind it or not',
  schema: z.string().refine((value) => isAddress(value, false)),
}
const KEYS_URL: TextRule<string> = {
  expected: 'an https URL',
  schema: z.string().refine((value) => isAddress(value, true)),
}
/** Whoever has written a secret in place of its file does not find it in the log. */
const FILE: TextRule<string | undefined> = optional(PATH, true)

export const SECRETS_ROWS: Rows<'secrets'> = {
  enabled: flag('secrets.enabled', false, 'Serve the Secrets API'),
  environment: text(
    'secrets.environment',
    'prod',
    NAME,
    'Where this is; "dev" and "test", written so, are development, and everything else is not',
  ),
  requireAuth: flagOrAuto(
    'secrets.require_auth',
    'Refuse who shows no credential; "auto" is true but in development',
  ),
  enforceScopes: flagOrAuto(
    'secrets.enforce_scopes',
    'Demand the scope of each operation; "auto" is true but in development',
  ),
  authorization: flagOrAuto(
    'secrets.authorization',
    'Ask policies; "auto" is true but in development',
  ),
  audience: text(
    'secrets.audience',
    'crud.secrets',
    printable(256),
    'Audience that tokens must be for',
  ),
  inboundAuthMode: text(
    'secrets.inbound_auth_mode',
    'bearer',
    oneOf('bearer', 'mtls', 'bearer_plus_mtls_optional', 'bearer_plus_mtls_required'),
    'What callers show: a token, a client certificate, or both',
  ),
  clockSkewSeconds: integer(
    'secrets.clock_skew',
    [30, 0, 300],
    'seconds',
    'Time that the clocks of issuers may be off',
  ),
  tenantId: text(
    'secrets.tenant_id',
    undefined,
    optional(NAME, false),
    'Tenant of everybody whose token names none',
  ),
  allowedMounts: list('secrets.allowed_mounts', MOUNT, 1000, 'Mounts of that tenant'),
  saltFile: text(
    'secrets.salt_file',
    undefined,
    FILE,
    'File with the key of the references to secrets in events, of this user alone',
  ),
  acceptLegacyUris: flag(
    'secrets.accept_legacy_uris',
    false,
    'Take runs of slashes in URIs as one; in development only',
  ),
  grantTtlSeconds: integer(
    'secrets.grant_ttl',
    [300, 1, 3600],
    'seconds',
    'Life of a permit to use a secret, where policy says nothing',
  ),
  grantMaxUses: integer(
    'secrets.grant_max_uses',
    [1, 1, 1000],
    '',
    'Uses of it, where policy says nothing',
  ),
  ratePerSecond: integer(
    'secrets.rate_limit',
    [50, 1, 100_000],
    '',
    'Requests a second that one subject may go on making',
  ),
  rateBurst: integer(
    'secrets.rate_burst',
    [100, 1, 100_000],
    '',
    'Requests that one subject may make at once',
  ),
  negativeCacheSeconds: integer(
    'secrets.negative_cache',
    [5, 0, 60],
    'seconds',
    'Time for which a denial of a use is kept',
  ),
  antiReplay: text(
    'secrets.anti_replay',
    'per-resource',
    oneOf('per-resource', 'per-token', 'off'),
    'What a token with an id opens once: one secret, or one in all; off leaves proofs of possession',
  ),
  antiReplayTtlSeconds: integer(
    'secrets.anti_replay_ttl',
    [300, 1, DAY],
    'seconds',
    'Time for which that is remembered',
  ),
  yamlPath: text(
    'secrets.yaml_path',
    undefined,
    optional(PATH, false),
    'YAML file with secrets; in production it is not used',
  ),
  auditSample: integer(
    'secrets.audit_sample',
    [1, 1, 1_000_000],
    '',
    'One of so many reads on a live permit is published; the log has all',
  ),
  auditMode: text(
    'secrets.audit_mode',
    'spool',
    oneOf('best_effort', 'spool', 'required'),
    'How events are delivered; best_effort not in production',
  ),
  auditBuffer: integer(
    'secrets.audit_buffer',
    [1000, 1, 100_000],
    '',
    'Events that are kept for /api/secrets/events and /api/secrets/audit',
  ),
  devEndpoints: flagOrAuto(
    'secrets.dev_endpoints',
    'Serve these two; "auto" is in development only',
  ),
}

const kv2Rows = (name: 'openbao' | 'hashicorp'): Rows<'secrets.openbao'> => {
  const key = (last: string): string => `secrets.${name}.${last}`
  const rows: { readonly [F in keyof ConfigKv2]-?: ConfigRow<ConfigKv2[F]> } = {
    url: text(
      key('url'),
      undefined,
      optional(BASE_URL, true),
      `Server behind ${name}+kv2://; http:// in development only`,
    ),
    tokenFile: text(
      key('token_file'),
      undefined,
      FILE,
      'File with a token of it, of this user alone',
    ),
    roleId: text(
      key('role_id'),
      undefined,
      optional(printable(1024), true),
      'Without a token: AppRole to log in with',
    ),
    secretIdFile: text(
      key('secret_id_file'),
      undefined,
      FILE,
      'File with the secret id of the role, of this user alone',
    ),
    namespace: text(
      key('namespace'),
      undefined,
      optional(printable(1024), false),
      'Namespace on the server',
    ),
    caFile: text(
      key('ca_file'),
      undefined,
      optional(PATH, false),
      'Certificates that it is checked against, instead of those of the system',
    ),
    verifyTls: flag(key('verify_tls'), true, 'Check who the server is; false in development only'),
    timeoutSeconds: integer(key('timeout'), [30, 1, 600], 'seconds', 'Time for one call in all'),
    poolSize: integer(key('pool_size'), [10, 1, 64], '', 'Connections to it'),
    maxConcurrent: integer(
      key('max_concurrent'),
      [50, 1, 64],
      '',
      'Calls under way; one more is answered with 429',
    ),
    renewalThresholdSeconds: integer(
      key('renewal_threshold'),
      [600, 0, DAY],
      'seconds',
      'Rest of the life of a token at which it is renewed; 0 is never',
    ),
    redirectHosts: list(
      key('redirect_hosts'),
      REDIRECT_HOST,
      100,
      'Where it may redirect to; empty is itself only',
    ),
  }
  return rows
}

export const OPENBAO_ROWS: Rows<'secrets.openbao'> = kv2Rows('openbao')
export const HASHICORP_ROWS: Rows<'secrets.hashicorp'> = kv2Rows('hashicorp')

export const PDP_ROWS: Rows<'secrets.pdp'> = {
  url: text(
    'secrets.pdp.url',
    undefined,
    optional(BASE_URL, true),
    'Decision point that speaks AuthZEN and has to permit as well; http:// in development only',
  ),
  tokenFile: text(
    'secrets.pdp.token_file',
    undefined,
    FILE,
    'File with the bearer token for it, of this user alone',
  ),
  caFile: text(
    'secrets.pdp.ca_file',
    undefined,
    optional(PATH, false),
    'Certificates that it is checked against, instead of those of the system',
  ),
  timeoutMs: integer(
    'secrets.pdp.timeout_ms',
    [2000, 1, 60_000],
    'milliseconds',
    'Time for a decision; without one, nothing is permitted',
  ),
}

/** Tenants beside the one of `secrets.tenant_id`. */
export const TENANT_TABLES: NamedTables = namedTables<ConfigTenant>(['secrets', 'tenants'], {
  allowedMounts: list('secrets.tenants.NAME.allowed_mounts', MOUNT, 1000, 'Its mounts'),
})

/** Issuers of tokens. */
export const ISSUER_TABLES: NamedTables = namedTables<ConfigIssuer>(['secrets', 'issuers'], {
  issuer: text(
    'secrets.issuers.NAME.issuer',
    undefined,
    optional(printable(512), false),
    'The claim iss of its tokens, exactly',
  ),
  jwksUrl: text(
    'secrets.issuers.NAME.jwks_url',
    undefined,
    optional(KEYS_URL, true),
    'Where its keys are; http:// in development only',
  ),
  jwksFile: text(
    'secrets.issuers.NAME.jwks_file',
    undefined,
    optional(PATH, false),
    'Or a file with them, as a JSON Web Key Set',
  ),
  tenantClaim: text(
    'secrets.issuers.NAME.tenant_claim',
    undefined,
    optional(NAME, false),
    'Claim that names the tenant of a caller; without one, that of secrets.tenant_id',
  ),
  caFile: text(
    'secrets.issuers.NAME.ca_file',
    undefined,
    optional(PATH, false),
    'Certificates that the server of the keys is checked against, instead of those of the system',
  ),
})

/** The keys of a tenant in the order of the table, with `NAME` for its name. */
export const SECRETS_TENANT_KEYS: readonly ConfigKey[] = TENANT_TABLES.keys

/** The keys of an issuer, likewise. */
export const SECRETS_ISSUER_KEYS: readonly ConfigKey[] = ISSUER_TABLES.keys
